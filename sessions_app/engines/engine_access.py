"""What engines need, out of the project's settings and the keys of whoever asks.

A person's own key goes before the installation's. Keys travel in ``EngineSettings`` only,
whose ``repr`` leaves them out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from django.conf import settings
from django.db import Error as DatabaseError

from accounts.orm_thread import in_orm_thread
from accounts.selectors import OpenedKey, opened_keys
from accounts.services import note_keys_used
from pipeline.bounds import DATABASE_S
from pipeline.ports import EngineError
from pipeline.providers.catalogue import PROVIDERS, ROLES, VENDORS, parse_engines
from pipeline.providers.choice import Choice, choose, refuse_unknown
from pipeline.providers.keys import kind_of
from pipeline.providers.settings import ElevenLabsAccess, EngineSettings, GoogleAccess
from voices.cloning.access import EngineAccess, provide

log = logging.getLogger(__name__)

Owner = Literal["yours", "installation"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One set of engines: which, and with what. Equal ones are one set."""

    choice: tuple[tuple[str, str], ...]
    """(role, provider) of every role."""
    settings: EngineSettings
    own_keys: bool = field(default=False, compare=False)
    """Some key in it is a person's own."""
    may_fail: bool = field(default=False, compare=False)
    """Others stand in for what cannot be reached."""

    @property
    def providers(self) -> dict[str, str]:
        return dict(self.choice)


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that may be used on somebody's behalf."""

    settings: EngineSettings
    owners: Mapping[str, Owner]
    """Vendor → whose key there is."""
    unreadable: frozenset[str] = frozenset()
    """Vendors whose key the person gave and the server cannot read any more."""

    @property
    def given(self) -> frozenset[str]:
        """The needs that are met, as ``choose`` takes them."""
        whisper = {"whisper"} if self.settings.whisper_model else set()
        return frozenset({*self.owners, *whisper})

    def want(self, wish: Mapping[str, str] | None = None) -> Wanted:
        """The set of engines that a session gets. Raises EngineError."""
        choice = choose(settings.ENGINES, given=self.given, wish=wish)
        for vendor in sorted(vendors_of(choice) & self.unreadable):
            raise unreadable(vendor)
        return self.only(choice)

    def only(self, choice: Choice) -> Wanted:
        """The set of a choice, with no key that it does not use: sets are shared by as many
        people as can share them."""
        needs = {PROVIDERS[name].needs for name in choice.values()}
        return Wanted(
            tuple((role, choice[role]) for role in ROLES),
            replace(
                self.settings,
                google=self.settings.google if "google" in needs else None,
                elevenlabs=self.settings.elevenlabs if "elevenlabs" in needs else None,
                whisper_model=self.settings.whisper_model if "whisper" in needs else "",
            ),
            own_keys=any(self.owners.get(vendor) == "yours" for vendor in vendors_of(choice)),
            may_fail=bool(settings.FAILOVER),
        )


def stand_ins_of(wanted: Wanted) -> list[Wanted]:
    """The sets that stand in for what ``wanted`` has of vendors, in the order of FAILOVER."""
    access = installation_access()
    sets = []
    for name in settings.FAILOVER:
        choice = {
            role: name
            if role in PROVIDERS[name].roles and PROVIDERS[provider].needs in VENDORS
            else provider
            for role, provider in wanted.choice
        }
        if choice != wanted.providers:
            sets.append(access.only(choice))
    return sets


def unreadable(vendor: str) -> EngineError:
    return EngineError(
        "key_unreadable",
        f"Your key from {VENDORS[vendor]} can no longer be read, because the server's own key "
        "changed: enter it again.",
        recoverable=False,
    )


def vendors_of(choice: Mapping[str, str]) -> set[str]:
    """The vendors whose keys a choice uses."""
    return {need for name in choice.values() if (need := PROVIDERS[name].needs) in VENDORS}


def installation_access() -> Access:
    """With the installation's keys alone."""
    return access_with({})


def access_of(user_id: int) -> Access:
    """With a person's own keys before the installation's; reads the database."""
    return access_with(opened_keys(user_id) if settings.ALLOW_USER_KEYS else {})


def access_with(own: Mapping[str, OpenedKey]) -> Access:
    google, elevenlabs = own.get("google"), own.get("elevenlabs")
    access = EngineSettings(
        models=settings.DUBBING_MODELS,
        voice_stability=settings.VOICE_STABILITY,
        voice_clarity=settings.VOICE_CLARITY,
        google=_google(google.value or "") if google else _google_of_installation(),
        elevenlabs=_elevenlabs((elevenlabs.value or "") if elevenlabs else ""),
        whisper_model=settings.WHISPER_MODEL,
        wsi_model=settings.WSI_MODEL,
    )
    there = {"google": access.google, "elevenlabs": access.elevenlabs}
    owners: dict[str, Owner] = {
        vendor: "yours" if vendor in own else "installation"
        for vendor in VENDORS
        if vendor in own or there[vendor] is not None
    }
    lost = frozenset(vendor for vendor, key in own.items() if key.value is None)
    return Access(access, owners, lost)


def _google_of_installation() -> GoogleAccess | None:
    if settings.GOOGLE_API_KEY:
        return _google(settings.GOOGLE_API_KEY, project=settings.GOOGLE_CLOUD_PROJECT)
    file = settings.GOOGLE_CLOUD_CREDENTIALS_PATH
    if file is None:
        return None
    try:
        credentials = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("google credentials not read", extra={"error": type(error).__name__})
        return None
    return _google(credentials, project=settings.GOOGLE_CLOUD_PROJECT) if credentials else None


def _google(value: str, *, project: str = "") -> GoogleAccess:
    """The installation's project pays for the installation's keys only."""
    is_account = kind_of(value) == "service_account"
    return GoogleAccess(
        credentials=value if is_account else "",
        api_key="" if is_account else value,
        project=project,
        region=settings.GOOGLE_SPEECH_REGION,
        model=settings.GOOGLE_SPEECH_MODEL,
        translation_region=settings.GOOGLE_TRANSLATION_REGION,
        speech_endpoint=settings.GOOGLE_SPEECH_ENDPOINT,
        translation_endpoint=settings.GOOGLE_TRANSLATION_ENDPOINT,
        root_certificates=settings.CLOUD_ROOT_CERTIFICATES,
    )


def _elevenlabs(own: str) -> ElevenLabsAccess | None:
    key = own or settings.ELEVENLABS_API_KEY
    if not key:
        return None
    return ElevenLabsAccess(
        api_key=key,
        model=settings.ELEVENLABS_MODEL,
        base_url=settings.ELEVENLABS_BASE_URL,
        root_certificates=settings.CLOUD_ROOT_CERTIFICATES,
    )


def may_use_keys(wish: Mapping[str, str] | None) -> bool:
    """Whether somebody's keys make a difference to what they get; if not, none are read.
    Raises EngineError."""
    refuse_unknown(wish or {})
    named = {*parse_engines(settings.ENGINES).values(), *(wish or {}).values()}
    return any(name == "auto" or PROVIDERS[name].needs in VENDORS for name in named)


async def wanted_by(user_id: int, wish: Mapping[str, str] | None = None) -> Wanted:
    """The set that a session of this user gets. Raises EngineError.

    While the database is away it is the installation's: dubbing goes on.
    """
    if user_id and settings.ALLOW_USER_KEYS and may_use_keys(wish):
        try:
            async with asyncio.timeout(DATABASE_S):
                return await in_orm_thread(want_and_note, user_id, wish)
        except (DatabaseError, TimeoutError) as error:
            log.warning("keys not read", extra={"error": type(error).__name__})
    return installation_access().want(wish)


def want_and_note(user_id: int, wish: Mapping[str, str] | None) -> Wanted:
    """``wanted_by`` with the database there; the keys in it count as used."""
    access = access_of(user_id)
    wanted = access.want(wish)
    if wanted.own_keys:
        used = vendors_of(wanted.providers)
        note_keys_used(user_id, vendors=[one for one in used if access.owners[one] == "yours"])
    return wanted


# For the app of voices, which makes clones ---------------------------------------------


def provide_to_voices() -> None:
    """Called when the app is loaded."""
    provide(EngineAccess(of_user=_of_user, with_key=_with_key, usual_provider=_usual_provider))


def _of_user(user_id: int | None) -> EngineSettings:
    return (access_of(user_id) if user_id is not None else installation_access()).settings


def _with_key(vendor: str, key: str) -> EngineSettings:
    return access_with({vendor: OpenedKey(vendor, key)}).settings


def _usual_provider(user_id: int | None) -> str:
    access = access_of(user_id) if user_id is not None else installation_access()
    return access.want().providers["synthesizer"]
