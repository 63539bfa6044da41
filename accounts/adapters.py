"""Where allauth asks us: who may sign up, how mail is sent, how secrets are kept."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.http import HttpRequest

from accounts.sealing import SealBrokenError, seal, unseal
from accounts.signing_up import may_sign_up

log = logging.getLogger(__name__)

MAIL_FAILED = "The mail could not be sent. Try again in a while, or tell whoever runs this server."
TOTP_PURPOSE = "two-factor secret"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return may_sign_up(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is away must not end what somebody was doing."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException) as error:
            log.error("mail was not sent", extra={"code": type(error).__name__})
            if allauth_context.request is not None:
                messages.error(allauth_context.request, MAIL_FAILED)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """Keeps two-factor secrets sealed."""

    def encrypt(self, text: str) -> str:
        return seal(text, purpose=TOTP_PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return unseal(encrypted_text, purpose=TOTP_PURPOSE)
        except SealBrokenError:
            # No code fits an unknown secret: it is refused like a wrong one.
            log.error("a two-factor secret can no longer be read")
            return ""
