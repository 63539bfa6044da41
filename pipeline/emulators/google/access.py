"""Who may call: the service account's tokens, an API key, projects and enabled services."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import grpc

from pipeline.emulators.google.status import SCENARIOS, RefusalError
from pipeline.emulators.service_account import ServiceAccount, TokenError


@dataclass(kw_only=True)
class Access:
    account: ServiceAccount
    api_key: str
    disabled: set[str] = field(default_factory=set)
    """Services (``speech.googleapis.com``) that the project has not enabled."""
    revoked: bool = False
    """The account's key was deleted: its tokens count no more."""

    def check_caller(self, context: Any, service: str) -> None:
        """Raises RefusalError where the call carries no valid credentials for the service."""
        carried = dict(context.invocation_metadata() or ())
        key, authorization = carried.get("x-goog-api-key"), carried.get("authorization")
        if key is not None:
            if key != self.api_key:
                # A bad key is a bad argument to Google, unlike a bad token.
                raise RefusalError(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "API key not valid. Please pass a valid API key.",
                    "API_KEY_INVALID",
                    {"service": service},
                )
        elif authorization is None:
            raise RefusalError(
                grpc.StatusCode.UNAUTHENTICATED,
                "Request is missing required authentication credential. Expected OAuth 2 access "
                "token, login cookie or other valid authentication credential.",
                "CREDENTIALS_MISSING",
                {"service": service},
            )
        else:
            self._check_token(str(authorization), service)
        if service in self.disabled:
            raise RefusalError(
                grpc.StatusCode.PERMISSION_DENIED,
                f"{service} has not been used in project {self.account.project} before or it "
                "is disabled.",
                "SERVICE_DISABLED",
                {"service": service, "consumer": f"projects/{self.account.project}"},
            )

    def check_project(self, resource: str, service: str, permission: str) -> None:
        """Raises RefusalError where a resource is another project's, or no project's."""
        found = re.match(r"projects/([^/]+)", resource)
        if found is None:
            raise RefusalError(
                grpc.StatusCode.INVALID_ARGUMENT,
                "Invalid resource field value in the request.",
                "RESOURCE_PROJECT_INVALID",
                {"service": service},
            )
        if found[1] != self.account.project:
            raise RefusalError(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission '{permission}' denied on resource '//{service}/{resource}' "
                "(or it may not exist).",
                "IAM_PERMISSION_DENIED",
                {"permission": permission, "resource": resource},
            )

    def _check_token(self, authorization: str, service: str) -> None:
        kind, _, token = authorization.partition(" ")
        try:
            if self.revoked or kind.lower() != "bearer":
                raise TokenError("no token that counts")
            self.account.verify(token, (f"https://{service}/",))
        except TokenError as error:
            wrong = SCENARIOS["unauthenticated"]
            raise RefusalError(
                wrong.status, wrong.message, wrong.reason, {"service": service}
            ) from error
