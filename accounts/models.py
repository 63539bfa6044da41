"""People, who log in by e-mail, their API tokens' names, and their own keys of vendors."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower
from knox.models import AuthToken


class EmailUserManager(UserManager["User"]):
    """Creates people by e-mail; addresses that differ in case only are one address."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)

    def create_user(  # type: ignore[override]  # there is no username to take
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        fields.setdefault("is_staff", False)
        fields.setdefault("is_superuser", False)
        return self._create(email, password, **fields)

    def create_superuser(  # type: ignore[override]  # there is no username to take
        self, email: str, password: str | None = None, **fields: Any
    ) -> User:
        return self._create(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def _create(self, email: str, password: str | None, **fields: Any) -> User:
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    username = None  # type: ignore[assignment]  # the e-mail address is the login
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[EmailUserManager] = EmailUserManager()

    class Meta(AbstractUser.Meta):
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_any_case",
                violation_error_message="A user with that e-mail address already exists.",
            ),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.strip().lower()
        super().save(*args, **kwargs)


def every_scope() -> list[str]:
    return ["*"]


class ApiToken(models.Model):
    """What its owner calls a token, and the id to revoke it by.

    The token itself is knox's: only its hash is stored.
    """

    auth_token = models.OneToOneField(AuthToken, on_delete=models.CASCADE, related_name="label")
    name = models.CharField(max_length=100)
    paired = models.BooleanField(default=False)
    """It was given to an extension in exchange for a pairing code."""
    scopes = models.JSONField(default=every_scope)
    """What it may do, of ``accounts.rest.scopes.SCOPES``."""
    last_used_at = models.DateTimeField(null=True, blank=True)
    """To the hour."""

    def __str__(self) -> str:
        return self.name


class Ticket(models.Model):
    """A single-use pass to one socket, for clients that cannot keep or send a token there.

    Kept in Postgres, not in Redis: who can get a token checked can get a ticket.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of the ticket; the ticket itself is nowhere."""
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tickets")
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="ticket_expiry")
        ]

    def __str__(self) -> str:
        return self.digest[:8]


class EngineKey(models.Model):
    """A person's own key of a vendor: sealed, and known again by its last characters."""

    class Vendor(models.TextChoices):
        GOOGLE = "google", "Google"
        ELEVENLABS = "elevenlabs", "ElevenLabs"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="engine_keys")
    vendor = models.CharField(max_length=16, choices=Vendor.choices)
    kind = models.CharField(max_length=16)
    """``api_key`` or ``service_account``."""
    sealed = models.TextField(editable=False)
    """The key itself, which only ``accounts.sealing`` opens."""
    hint = models.CharField(max_length=4)
    created_at = models.DateTimeField()
    """When this key was given; a new key of the same vendor's takes the old one's place."""
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=64, blank=True)
    """What the last check found: ``ok`` or an error's code; empty when there was none."""

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "vendor"], name="one_key_a_vendor"),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} …{self.hint}"

    @property
    def purpose(self) -> str:
        """What it is sealed for: this person and vendor, and no other."""
        return f"engine key:{self.user_id}:{self.vendor}"


class Role(models.TextChoices):
    """What a member of a team may do, the most first."""

    OWNER = "owner", "Owner"
    """Edits what the team shares, invites and removes members, ends the team."""
    EDITOR = "editor", "Editor"
    """Edits what the team shares."""
    VIEWER = "viewer", "Viewer"
    """Sees, hears and uses what the team shares."""


class Team(models.Model):
    """People who share actors, voices, sessions and glossaries."""

    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["team", "user"], name="one_role_a_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}: {self.role}"


class Invitation(models.Model):
    """Someone was asked into a team by mail: a link that counts once, until it expires."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the link's secret; the secret itself is in the mail alone."""
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("team", Lower("email"), name="one_invitation_an_address"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} to {self.team_id}"


class PairingCode(models.Model):
    """A short code that an extension exchanges for a token of its own, once."""

    digest = models.CharField(max_length=64, primary_key=True)
    """Keyed hash of the code: so short a code could be found from a plain one."""
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="pairing_codes")
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="pairing_code_expiry")
        ]

    def __str__(self) -> str:
        return self.digest[:8]


class Preferences(models.Model):
    """What a person wants dubbed. Languages are ISO 639 codes; their order says nothing."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="preferences"
    )
    target_language = models.CharField(max_length=3, blank=True)
    """Into which language, unless another is chosen; empty: none is preferred."""
    always_dub = models.JSONField(default=list)
    """Source languages that clients dub without being asked."""
    never_dub = models.JSONField(default=list)
    """Source languages that clients leave as they are."""

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class DataExport(models.Model):
    """A copy of what is kept of a person, made for them and kept for some days."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        FAILED = "failed"

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="data_export"
    )
    """One at a time: a new one takes the old one's place."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    file = models.CharField(max_length=200, blank=True)
    """Its name in the storage; empty until it is ready."""
    size_bytes = models.PositiveBigIntegerField(default=0)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"data of {self.user_id}"


class IdempotentRequest(models.Model):
    """A creation that came with an ``Idempotency-Key``, and the answer that it got.

    The key itself is nowhere, and the answer, which may hold a new token, is sealed for it:
    what is stored opens for nobody but the client that sends the key again.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key_digest = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    """Of method, address and body."""
    started_at = models.DateTimeField()
    attempt = models.UUIDField()
    """Who is doing it; a request that its process did not end is taken over by the next."""
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    """None: it is under way."""
    sealed_answer = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "key_digest"], name="one_request_a_key"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["started_at"], name="idempotent_started"),
        ]

    def __str__(self) -> str:
        return self.key_digest[:8]


# Django finds models here; these stand on the ones above, and on what is owned.
from accounts.webhooks.models import (  # noqa: E402
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "ApiToken",
    "DataExport",
    "EngineKey",
    "IdempotentRequest",
    "Invitation",
    "Membership",
    "PairingCode",
    "Preferences",
    "Role",
    "Team",
    "Ticket",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
