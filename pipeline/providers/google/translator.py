"""Google Cloud Translation v3 as a translator.

Terms of the glossary are hidden from the engine and put back (``pipeline.text.glossary``): the
vendor's own glossaries are stored resources of one region and pair, and ours are a
session's. Previous clauses are not sent: the API takes context only as pairs of sentences
for its adaptive models, in single regions, and nobody here has the approved translations
that those pairs want.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from google.api_core import exceptions as api
from google.api_core.retry import AsyncRetry, if_exception_type
from google.cloud import translate_v3 as translate
from google.cloud.translate_v3.services.translation_service.transports import (
    TranslationServiceGrpcAsyncIOTransport,
)

from pipeline.bounds import CHARACTERS_TRANSLATED_MAX as TEXT_MAX_CHARACTERS
from pipeline.bounds import (
    GOOGLE_ATTEMPT_S,
    GOOGLE_CONNECT_S,
    GOOGLE_SENT_S,
    GOOGLE_TRANSLATION_S,
)
from pipeline.ports import EngineError, TranslationRequest
from pipeline.providers.google.channels import Connection, Pool, identify, read_roots
from pipeline.providers.google.faults import fault_of
from pipeline.providers.google.languages import (
    TRANSLATION_LANGUAGES,
    iso_of,
    translation_code,
)
from pipeline.providers.settings import GoogleAccess
from pipeline.text import glossary

log = logging.getLogger(__name__)

Reply = translate.TranslateTextResponse

SERVICE = "Google Translation"
HOST = "translate.googleapis.com"
_passing = if_exception_type(
    api.ServiceUnavailable, api.ResourceExhausted, api.DeadlineExceeded, api.InternalServerError
)
_CHARACTERS = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u3001\u3002\uff0c\uff01\uff1f]"
_GAP = re.compile(rf"(?<={_CHARACTERS})\s+(?={_CHARACTERS})")
"""Between characters of scripts that have no spaces; clauses are joined with spaces."""


class GoogleTranslator:
    """Fills ``Translator``; belongs to the event loop on which it is first used.

    A request is tried again while the vendor is busy, away or failing, within ``total_s`` in
    all; one attempt may take ``attempt_s``.
    """

    name = "google-translate"
    detects = True
    uses_context = False

    def __init__(
        self,
        access: GoogleAccess,
        *,
        attempt_s: float = GOOGLE_ATTEMPT_S,
        total_s: float = GOOGLE_TRANSLATION_S,
    ) -> None:
        self._access = access
        self._attempt_s = attempt_s
        self._total_s = total_s
        self._retry = AsyncRetry(
            predicate=_may_pass, initial=0.05, maximum=0.2, timeout=total_s - 0.05
        )
        self._pairs = _pairs_of(TRANSLATION_LANGUAGES, TRANSLATION_LANGUAGES)
        self._pool: Pool | None = None
        self._parent = ""
        self._loading = asyncio.Lock()
        self._is_listed = False
        self._asking: set[asyncio.Task[Any]] = set()

    async def connect(self) -> None:
        """Dial, and ask which languages there are; without an answer the list is our own.

        Raises EngineError: key_missing, key_refused, vendor_unreachable.
        """
        pool = await self._load()
        await pool.least_used().ready()
        if self._is_listed:
            return
        try:
            async with asyncio.timeout(GOOGLE_CONNECT_S):
                found = await pool.least_used().client.get_supported_languages(
                    request={"parent": self._parent}, retry=None, timeout=GOOGLE_CONNECT_S
                )
        except Exception as error:
            fault = fault_of(error, SERVICE)
            log.warning("languages were not listed", extra={"code": fault.code})
            if fault.code == "key_refused":
                raise fault from error
            return
        self._pairs = _listed_pairs(found.languages) or self._pairs
        self._is_listed = True

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self._pairs

    async def prepare(self, source: str, target: str) -> None:
        """Raises EngineError: pair_unsupported and as connect."""
        self._refuse_unsupported(source, target)
        pool = await self._load()
        await pool.least_used().ready()

    async def translate(self, request: TranslationRequest) -> str:
        """Raises EngineError: text_too_long, pair_unsupported and the vendors' codes."""
        text = _GAP.sub("", " ".join(request.text.split()))
        if len(text) > TEXT_MAX_CHARACTERS:
            raise EngineError(
                "text_too_long",
                f"A text to translate may have {TEXT_MAX_CHARACTERS} characters; "
                f"this one has {len(text)}.",
                recoverable=False,
            )
        self._refuse_unsupported(request.source, request.target)
        if not any(character.isalnum() for character in text):
            return text
        protected, placeholders = glossary.protect(text, request.glossary)
        try:
            async with asyncio.timeout(self._total_s):
                translated = await self._call(protected, request)
                if missing := glossary.lost(translated, placeholders):
                    # A sentence without a required word beats one with a hole.
                    log.warning("translation lost %d glossary terms", len(missing))
                    return await self._call(text, request)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._pool is None and task is not None and not task.cancelling():
                # A call under which its channel was closed says so like a cancelled task.
                raise EngineError(
                    "engine_stopped", "The translator is shut down.", recoverable=False
                ) from None
            raise
        except Exception as error:
            raise fault_of(error, SERVICE) from error
        return glossary.restore(translated, placeholders)

    async def aclose(self) -> None:
        """Close the connections. Idempotent."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _call(self, text: str, request: TranslationRequest) -> str:
        pool = await self._load()
        asked = translate.TranslateTextRequest(
            parent=self._parent,
            contents=[text],
            # Without it the vendor takes the text for HTML and writes apostrophes as entities.
            mime_type="text/plain",
            source_language_code=translation_code(request.source),
            target_language_code=translation_code(request.target),
        )

        async def attempt() -> str:
            # The library's own repetitions are off: each of them is billed, and none would be
            # counted.
            with request.attempt(len(text)):
                call = pool.least_used().client.translate_text(
                    request=asked, retry=None, timeout=self._attempt_s
                )
                try:
                    reply = await self._sent(call)
                except Exception as error:
                    raise fault_of(error, SERVICE) from error
                return _only_text(reply)

        repeated: Callable[[], Awaitable[str]] = self._retry(attempt)
        return await repeated()

    async def _sent(self, call: Coroutine[Any, Any, Reply]) -> Reply:
        """Its answer. Cancelled, the call is ended a moment later, when it is certainly with the
        vendor: else nobody could tell whether it is billed."""
        asking = asyncio.create_task(call, name="google translation")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.get_loop().call_later(GOOGLE_SENT_S, asking.cancel)
            raise

    async def _load(self) -> Pool:
        async with self._loading:
            if self._pool is None:
                roots = await read_roots(self._access.root_certificates)
                identity = await identify(self._access)
                region = self._access.translation_region
                self._parent = f"projects/{identity.project}/locations/{region}"
                host = self._access.translation_endpoint or HOST
                client: Callable[..., Any] = translate.TranslationServiceAsyncClient
                self._pool = Pool(
                    functools.partial(
                        Connection,
                        client,
                        TranslationServiceGrpcAsyncIOTransport,
                        identity,
                        host,
                        roots,
                        SERVICE,
                    )
                )
            return self._pool

    def _refuse_unsupported(self, source: str, target: str) -> None:
        pairs = self._pairs
        # Asked before every clause: some ten thousand pairs are not gone through for it.
        if source and (source, target) in pairs:
            return
        if source or all(to != target for _, to in pairs):
            raise EngineError(
                "pair_unsupported",
                f"{SERVICE} does not translate {source or 'any language'} into “{target}”.",
                recoverable=False,
            )


def _may_pass(fault: BaseException) -> bool:
    if not isinstance(fault, EngineError) or not fault.recoverable:
        return False
    return isinstance(fault.__cause__, Exception) and _passing(fault.__cause__)


def _only_text(reply: Reply) -> str:
    """Raises EngineError: vendor_malformed."""
    translations = list(reply.translations)
    if len(translations) != 1 or not translations[0].translated_text.strip():
        raise EngineError(
            "vendor_malformed", f"{SERVICE} gave no translation where it should have."
        )
    return str(translations[0].translated_text).strip()


def _listed_pairs(languages: Iterable[Any]) -> frozenset[tuple[str, str]]:
    """Pairs of what the vendor lists, as far as there are ISO 639-1 codes."""
    listed = list(languages)
    sources = {iso_of(one.language_code) for one in listed if one.support_source} - {""}
    targets = {iso_of(one.language_code) for one in listed if one.support_target} - {""}
    return _pairs_of(sources, targets)


def _pairs_of(sources: Iterable[str], targets: Iterable[str]) -> frozenset[tuple[str, str]]:
    wanted = tuple(targets)
    return frozenset((one, other) for one in sources for other in wanted if one != other)
