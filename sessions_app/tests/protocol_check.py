"""Holds what goes over a socket against the document, in the document's own terms."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator


class Checker:
    def __init__(self, document: dict[str, Any]) -> None:
        channel = document["channels"]["session"]
        components = document["components"]
        self._messages = components["messages"]
        self._schemas = components["schemas"]
        self._validators = {
            name: Draft7Validator({"allOf": [message["payload"]], "components": components})
            for name, message in self._messages.items()
        }
        self._codes = {
            "error": {row["code"] for row in channel["x-error-codes"]},
            "notice": {row["code"] for row in channel["x-notice-codes"]},
        }
        reasons = {row["code"] for row in channel["x-skip-reasons"]}
        self._codes["skipped"] = reasons | self._codes["error"]
        self._closings = {(row["code"], row["close_code"]) for row in channel["x-closing-reasons"]}
        self._layouts = {
            name: message["x-binary-layout"]
            for name, message in self._messages.items()
            if "x-binary-layout" in message
        }

    def complaints(self, message: dict[str, Any]) -> list[str]:
        """What the document does not allow in a JSON message; nothing when all is well."""
        kind = message.get("type", "")
        if kind not in self._validators:
            return [f"{kind} is not in the document"]
        found = [
            f"{kind}: {error.message}" for error in self._validators[kind].iter_errors(message)
        ]
        reference = self._messages[kind]["payload"]["$ref"]
        known = self._schemas[reference.rpartition("/")[2]]["properties"]
        # Schemas leave room for fields of later versions; this version says no others.
        found += [f"{kind}: {field} is not in the document" for field in set(message) - set(known)]
        code = message.get("reason" if kind == "skipped" else "code")
        if kind in self._codes and code not in self._codes[kind]:
            found.append(f"{kind}: the code {code} is not in the document")
        if kind == "closing" and (code, message.get("close_code")) not in self._closings:
            found.append(f"closing: {code} with {message.get('close_code')} is not in the document")
        return found

    def frame(self, data: bytes, *, by_client: bool) -> list[str]:
        """The same for a binary frame, read by the layout's table alone."""
        name = "source_frame" if by_client else "cue_frame"
        *header, sound = self._layouts[name]
        if len(data) < sound["offset"]:
            return [f"{name}: shorter than its header"]
        field = {
            row["field"]: int.from_bytes(data[row["offset"] :][: row["size"]], "little")
            for row in header
        }
        wrong = {
            "kind": field["kind"] != (1 if by_client else 2),
            "flags": field["flags"] > (0 if by_client else 1),
            "reserved": field["reserved"] != 0,
            "cue": by_client and field["cue"] != 0,
            "media_time": field["media_time"] > 2**53,
            "sound": (len(data) - sound["offset"]) % 2 != 0,
        }
        return [f"{name}: {part}" for part, is_wrong in wrong.items() if is_wrong]
