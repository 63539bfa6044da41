"""Google's Translation v3 as a service of a grpc.aio server.

Its messages are the SDK's own classes. Legs of faults and delays: ``translation``,
``detection``, ``administration``; their scenarios are those of ``google_unary.Unary``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from google.cloud.translate_v3.types import adaptive_mt
from google.cloud.translate_v3.types import translation_service as translate

from pipeline.emulators import html_text
from pipeline.emulators.behaviour import Delays, Faults
from pipeline.emulators.google import translation_rules as rule
from pipeline.emulators.google.access import Access
from pipeline.emulators.google.counts import GoogleCounts
from pipeline.emulators.google.glossaries import Glossaries
from pipeline.emulators.google.translation_methods import handlers
from pipeline.emulators.google.unary import Unary
from pipeline.emulators.machine_translation import TranslationEngine


class TranslationService:
    def __init__(
        self,
        *,
        engine: TranslationEngine,
        access: Access,
        rules: rule.TranslationRules,
        delays: Delays,
        faults: Faults,
        counts: GoogleCounts,
    ) -> None:
        self.engine = engine
        """What the next request is translated with; may be replaced at any time."""
        self.rules = rules
        self.glossaries = Glossaries(access)
        self.references: list[tuple[tuple[str, str], ...]] = []
        """Sentence pairs that came with the last adaptive request, for each of its texts."""
        self._access = access
        self._counts = counts
        self._quota = rule.Quota(rules)
        self._unary = Unary(
            rule.SERVICE, access=access, delays=delays, faults=faults, counts=counts
        )

    def handlers(self) -> tuple[Any, Any]:
        return handlers(self, self._unary)

    async def translate_text(
        self, request: translate.TranslateTextRequest
    ) -> translate.TranslateTextResponse:
        location = rule.location_of(request.parent)
        self._access.check_project(
            request.parent, rule.SERVICE, "cloudtranslate.generalModels.predict"
        )
        rule.check_model(request.model, location)
        is_html = rule.check_mime_type(request.mime_type)
        source, target = request.source_language_code, request.target_language_code
        rule.check_language(target, "Target")
        if source:
            rule.check_language(source, "Source")
        characters = rule.check_contents(request.contents, self.rules)
        with_glossary = "glossary_config" in request
        terms: Mapping[str, str] = {}
        if with_glossary:
            config = request.glossary_config
            terms = self.glossaries.terms(config.glossary, request.parent, source, target)
        self._take(characters)
        model = request.model or f"{request.parent}/models/general/nmt"
        response = translate.TranslateTextResponse()
        for text in request.contents:
            detected = "" if source else await _detected(text)
            spoken = source or detected
            for wanted in ({}, terms) if with_glossary else ({},):
                one = translate.Translation(
                    translated_text=await self._translated(text, spoken, target, wanted, is_html),
                    detected_language_code=detected,
                    model=model,
                )
                if wanted is terms:
                    one.glossary_config = request.glossary_config
                    response.glossary_translations.append(one)
                else:
                    response.translations.append(one)
        return response

    async def adaptive_mt_translate(
        self, request: adaptive_mt.AdaptiveMtTranslateRequest
    ) -> adaptive_mt.AdaptiveMtTranslateResponse:
        rule.regional(request.parent, "adaptive translation")
        self._access.check_project(
            request.parent, rule.SERVICE, "cloudtranslate.adaptiveMtDatasets.predict"
        )
        if "reference_sentence_config" not in request:
            raise rule.invalid("The emulator has no datasets; give reference sentences.")
        config = request.reference_sentence_config
        rule.check_language(config.source_language_code, "Source")
        rule.check_language(config.target_language_code, "Target")
        characters = rule.check_contents(request.content, self.rules)
        lists = config.reference_sentence_pair_lists
        if len(lists) != len(request.content):
            raise rule.invalid("There must be as many reference sentence lists as contents.")
        is_html = rule.check_mime_type(request.mime_type or "text/plain")
        self._take(characters)
        self.references = [
            tuple(
                (pair.source_sentence, pair.target_sentence)
                for pair in one.reference_sentence_pairs
            )
            for one in lists
        ]
        source, target = config.source_language_code, config.target_language_code
        response = adaptive_mt.AdaptiveMtTranslateResponse(language_code=target)
        for text in request.content:
            translated = await self._translated(text, source, target, {}, is_html)
            response.translations.append(
                adaptive_mt.AdaptiveMtTranslation(translated_text=translated)
            )
        return response

    async def detect_language(
        self, request: translate.DetectLanguageRequest
    ) -> translate.DetectLanguageResponse:
        rule.location_of(request.parent)
        self._access.check_project(
            request.parent, rule.SERVICE, "cloudtranslate.languageDetectionModels.predict"
        )
        is_html = rule.check_mime_type(request.mime_type)
        self._take(rule.check_contents([request.content], self.rules))
        text = html_text.read(request.content)[0] if is_html else request.content
        found = translate.DetectedLanguage(language_code=await _detected(text), confidence=1.0)
        return translate.DetectLanguageResponse(languages=[found])

    async def get_supported_languages(
        self, request: translate.GetSupportedLanguagesRequest
    ) -> translate.SupportedLanguages:
        rule.check_model(request.model, rule.location_of(request.parent))
        self._access.check_project(request.parent, rule.SERVICE, "cloudtranslate.generalModels.get")
        return translate.SupportedLanguages(
            languages=[
                translate.SupportedLanguage(
                    language_code=code, support_source=True, support_target=True
                )
                for code in sorted(rule.LANGUAGES)
            ]
        )

    async def aclose(self) -> None:
        await self.engine.aclose()

    def _take(self, characters: int) -> None:
        self._quota.take(characters)
        self._counts.characters += characters

    async def _translated(
        self, text: str, source: str, target: str, terms: Mapping[str, str], is_html: bool
    ) -> str:
        plain, kept = html_text.read(text) if is_html else (text, {})
        wanted = {**terms, **{term: term for term in kept}}
        translated = await self.engine.translate(
            plain, rule.base_of(source), rule.base_of(target), wanted
        )
        return html_text.write(translated, kept) if is_html else translated


async def _detected(text: str) -> str:
    """A code of ``rule.LANGUAGES``; ``und`` where the text says nothing."""
    if not any(character.isalpha() for character in text):
        return "und"
    return await asyncio.to_thread(_classified, text)


def _classified(text: str) -> str:
    # Loads a model at its first use; imported here so that nothing else waits for it.
    import py3langid

    code, _ = py3langid.classify(text)
    found = {"zh": "zh-CN", "he": "iw", "nb": "no", "nn": "no"}.get(code, code)
    return found if found in rule.LANGUAGES else "und"
