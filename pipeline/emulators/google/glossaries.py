"""Glossaries of the emulated Translation v3, and the operations that make and delete them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

import grpc
from google.cloud.translate_v3.types import translation_service as translate
from google.longrunning import operations_pb2
from google.protobuf.message import Message

from pipeline.bounds import EMULATOR_GLOSSARIES_MAX, EMULATOR_OPERATIONS_MAX
from pipeline.emulators.google.access import Access
from pipeline.emulators.google.status import RefusalError
from pipeline.emulators.google.translation_rules import SERVICE, check_pair, invalid, regional

_NAME = re.compile(r"(projects/[^/]+/locations/[^/]+)/glossaries/([a-z][a-z0-9-]*)")


class Glossaries:
    """Kept in memory. What a glossary's file says is given by the test in ``files``: nothing
    is fetched. Each change is an operation that is done when it is asked for again."""

    def __init__(self, access: Access) -> None:
        self.files: dict[str, Mapping[str, str]] = {}
        """``gs://…`` address of a file → source term → target term."""
        self._access = access
        self._stored: dict[str, translate.Glossary] = {}
        self._operations: dict[str, Any] = {}

    def terms(self, name: str, parent: str, source: str, target: str) -> Mapping[str, str]:
        """Source term → target term. Raises RefusalError: no such glossary, another place,
        another pair."""
        location = regional(parent, "glossaries")
        glossary = self._found(name)
        if f"/locations/{location}/" not in name:
            raise invalid("The glossary must be in the same location as the request's parent.")
        pair = glossary.language_pair
        codes = (pair.source_language_code, pair.target_language_code)
        among = glossary.language_codes_set.language_codes or codes
        check_pair(source, target, among)
        terms = self._file(glossary)
        if (source, target) == codes or "language_pair" not in glossary:
            return terms
        raise invalid("The glossary has this language pair the other way round.")

    async def create_glossary(self, request: translate.CreateGlossaryRequest) -> Any:
        regional(request.parent, "glossaries")
        self._check_project(request.parent, "cloudtranslate.glossaries.create")
        glossary = request.glossary
        found = _NAME.fullmatch(glossary.name)
        if found is None or found[1] != request.parent:
            raise invalid(f"Invalid glossary name: {glossary.name}")
        if "language_pair" not in glossary and "language_codes_set" not in glossary:
            raise invalid("Glossary languages are required.")
        if glossary.name in self._stored:
            raise RefusalError(
                grpc.StatusCode.ALREADY_EXISTS, f"Glossary already exists: {glossary.name}"
            )
        if len(self._stored) >= EMULATOR_GLOSSARIES_MAX:
            raise RefusalError(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many glossaries.")
        glossary.entry_count = len(self._file(glossary))
        self._stored[glossary.name] = glossary
        metadata = translate.CreateGlossaryMetadata(name=glossary.name, state="SUCCEEDED")
        return self._operation(
            request.parent, translate.CreateGlossaryMetadata.pb(metadata), _raw(glossary)
        )

    async def list_glossaries(
        self, request: translate.ListGlossariesRequest
    ) -> translate.ListGlossariesResponse:
        regional(request.parent, "glossaries")
        self._check_project(request.parent, "cloudtranslate.glossaries.list")
        names = sorted(name for name in self._stored if name.startswith(f"{request.parent}/"))
        start = int(request.page_token or 0)
        end = start + (request.page_size or 50)
        return translate.ListGlossariesResponse(
            glossaries=[self._stored[name] for name in names[start:end]],
            next_page_token=str(end) if end < len(names) else "",
        )

    async def get_glossary(self, request: translate.GetGlossaryRequest) -> translate.Glossary:
        return self._found(request.name)

    async def delete_glossary(self, request: translate.DeleteGlossaryRequest) -> Any:
        glossary = self._found(request.name)
        del self._stored[glossary.name]
        parent = glossary.name.rsplit("/", 2)[0]
        metadata = translate.DeleteGlossaryMetadata(name=glossary.name, state="SUCCEEDED")
        response = translate.DeleteGlossaryResponse(name=glossary.name)
        return self._operation(
            parent,
            translate.DeleteGlossaryMetadata.pb(metadata),
            translate.DeleteGlossaryResponse.pb(response),
        )

    async def get_operation(self, request: Any) -> Any:
        done = self._operations.get(request.name)
        if done is None:
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"No operation {request.name}")
        return done

    def _operation(self, parent: str, metadata: Message, response: Message) -> Any:
        """The operation as it is at first; asked for again it is done."""
        name = f"{parent}/operations/{uuid.uuid4().hex}"
        running = operations_pb2.Operation(name=name)
        running.metadata.Pack(metadata)
        done = operations_pb2.Operation(name=name, done=True)
        done.metadata.Pack(metadata)
        done.response.Pack(response)
        while len(self._operations) >= EMULATOR_OPERATIONS_MAX:
            del self._operations[next(iter(self._operations))]
        self._operations[name] = done
        return running

    def _found(self, name: str) -> translate.Glossary:
        self._check_project(name, "cloudtranslate.glossaries.get")
        found = self._stored.get(name)
        if found is None:
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"Glossary not found: {name}")
        return found

    def _file(self, glossary: translate.Glossary) -> Mapping[str, str]:
        address = glossary.input_config.gcs_source.input_uri
        if address not in self.files:
            raise invalid(f"Invalid glossary file: {address or 'none'}")
        return self.files[address]

    def _check_project(self, resource: str, permission: str) -> None:
        self._access.check_project(resource, SERVICE, permission)


def _raw(glossary: translate.Glossary) -> Message:
    raw: Message = translate.Glossary.pb(glossary)
    return raw
