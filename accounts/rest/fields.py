"""Fields of request bodies whose errors say what may be given."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from rest_framework import serializers


def choose_one_of(choices: Any) -> str:
    """What is said to who gives none of ``choices``; an empty one is not listed."""
    return f"Choose one of: {', '.join(str(one) for one in choices if one not in ('', None))}."


class _ToldChoices(serializers.Field[Any, Any, Any, Any]):
    choices: Any
    default_error_messages: ClassVar[dict[str, Any]] = {"invalid_choice": "{told}"}

    def fail(self, key: str, **given: Any) -> NoReturn:
        super().fail(key, told=choose_one_of(self.choices), **given)


class ChoiceField(_ToldChoices, serializers.ChoiceField):
    """One of some values; who gives another is told which there are."""


class MultipleChoiceField(_ToldChoices, serializers.MultipleChoiceField):
    """Some of some values; who gives another is told which there are."""
