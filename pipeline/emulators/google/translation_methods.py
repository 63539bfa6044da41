"""The methods of Translation v3 that are served, with their messages and legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.cloud.translate_v3.types import adaptive_mt
from google.cloud.translate_v3.types import translation_service as translate
from google.longrunning import operations_pb2

from pipeline.emulators.google.unary import Unary

if TYPE_CHECKING:
    from pipeline.emulators.google.translation import TranslationService

NAME = "google.cloud.translation.v3.TranslationService"
OPERATIONS = "google.longrunning.Operations"
_ADMINISTRATION = "administration"
_OPERATION = operations_pb2.Operation


def handlers(service: TranslationService, unary: Unary) -> tuple[Any, Any]:
    """For a grpc.aio server: the service itself, and the operations that it starts."""

    def method(leg: str, does: Any, asked: Any, answered: Any = None) -> Any:
        """Without ``answered`` the answer is an operation."""
        return unary.method(
            leg,
            does,
            reads=asked.deserialize,
            writes=answered.serialize if answered else _OPERATION.SerializeToString,
            empty=answered or _OPERATION,
        )

    stored = service.glossaries
    methods = {
        "TranslateText": method(
            "translation",
            service.translate_text,
            translate.TranslateTextRequest,
            translate.TranslateTextResponse,
        ),
        "AdaptiveMtTranslate": method(
            "translation",
            service.adaptive_mt_translate,
            adaptive_mt.AdaptiveMtTranslateRequest,
            adaptive_mt.AdaptiveMtTranslateResponse,
        ),
        "DetectLanguage": method(
            "detection",
            service.detect_language,
            translate.DetectLanguageRequest,
            translate.DetectLanguageResponse,
        ),
        "GetSupportedLanguages": method(
            _ADMINISTRATION,
            service.get_supported_languages,
            translate.GetSupportedLanguagesRequest,
            translate.SupportedLanguages,
        ),
        "CreateGlossary": method(
            _ADMINISTRATION, stored.create_glossary, translate.CreateGlossaryRequest
        ),
        "ListGlossaries": method(
            _ADMINISTRATION,
            stored.list_glossaries,
            translate.ListGlossariesRequest,
            translate.ListGlossariesResponse,
        ),
        "GetGlossary": method(
            _ADMINISTRATION, stored.get_glossary, translate.GetGlossaryRequest, translate.Glossary
        ),
        "DeleteGlossary": method(
            _ADMINISTRATION, stored.delete_glossary, translate.DeleteGlossaryRequest
        ),
    }
    operation = unary.method(
        _ADMINISTRATION,
        stored.get_operation,
        reads=operations_pb2.GetOperationRequest.FromString,
        writes=_OPERATION.SerializeToString,
        empty=_OPERATION,
    )
    return (
        grpc.method_handlers_generic_handler(NAME, methods),
        grpc.method_handlers_generic_handler(OPERATIONS, {"GetOperation": operation}),
    )
