"""Writes of glossaries: made, shared, filled, emptied. Every one takes the acting user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Team, User
from accounts.selectors import editing_teams_of
from pipeline.bounds import GLOSSARIES_MAX, GLOSSARY_TERM_MAX, GLOSSARY_TERMS_MAX
from sessions_app.glossaries.models import Glossary, Term


@transaction.atomic
def create_glossary(user: User, *, team: Team | None = None, **fields: Any) -> Glossary:
    """Raises ValidationError."""
    User.objects.select_for_update().get(pk=user.pk)
    if Glossary.objects.filter(owner=user).count() >= GLOSSARIES_MAX:
        raise ValidationError(f"You have {GLOSSARIES_MAX} glossaries; delete one first.")
    _check_team(user, team)
    glossary = Glossary(owner=user, team=team, **fields)
    glossary.full_clean()
    glossary.save()
    return glossary


@transaction.atomic
def update_glossary(user: User, glossary: Glossary, **fields: Any) -> Glossary:
    """The owner alone may share it with another team. Raises ValidationError."""
    team = fields.get("team", glossary.team)
    if team != glossary.team:
        if glossary.owner_id != user.pk:
            raise ValidationError({"team": "Only its owner may share it with another team."})
        _check_team(user, team)
    for name, value in fields.items():
        setattr(glossary, name, value)
    glossary.full_clean()
    glossary.save()
    return glossary


def delete_glossary(user: User, glossary: Glossary) -> bool:
    """False: it is not the user's own."""
    deleted, _ = Glossary.objects.filter(pk=glossary.pk, owner=user).delete()
    return bool(deleted)


@transaction.atomic
def put_term(glossary: Glossary, *, source: str, target: str, term: Term | None = None) -> Term:
    """Add a term, or change the given one. Raises ValidationError by field."""
    source, target = _tidy(source), _tidy(target)
    _check_lengths(source, target)
    Glossary.objects.select_for_update().get(pk=glossary.pk)
    others = glossary.terms.exclude(pk=term.pk) if term else glossary.terms.all()
    if others.filter(source__iexact=source).exists():
        raise ValidationError({"source": "This term is in the glossary already."})
    if term is None:
        if others.count() >= GLOSSARY_TERMS_MAX:
            raise ValidationError(
                {"source": f"A glossary has at most {GLOSSARY_TERMS_MAX} terms; begin another."}
            )
        term = Term(glossary=glossary)
    term.source, term.target = source, target
    term.save()
    glossary.save(update_fields=["updated_at"])
    return term


def delete_term(glossary: Glossary, *, term_id: int) -> bool:
    deleted, _ = glossary.terms.filter(pk=term_id).delete()
    return bool(deleted)


@transaction.atomic
def import_terms(glossary: Glossary, terms: Sequence[tuple[str, str]], *, replace: bool) -> int:
    """Add terms and change those that are there; ``replace``: the others go.

    Returns how many terms there are now. Raises ValidationError, and nothing is changed.
    """
    Glossary.objects.select_for_update().get(pk=glossary.pk)
    if replace:
        glossary.terms.all().delete()
    known = {term.source.lower(): term for term in glossary.terms.all()}
    fresh: dict[str, Term] = {}
    changed: list[Term] = []
    for raw_source, raw_target in terms:
        source, target = _tidy(raw_source), _tidy(raw_target)
        _check_lengths(source, target)
        if (present := known.get(source.lower())) is None:
            fresh[source.lower()] = Term(glossary=glossary, source=source, target=target)
        elif (present.source, present.target) != (source, target):
            present.source, present.target = source, target
            changed.append(present)
    if (count := len(known) + len(fresh)) > GLOSSARY_TERMS_MAX:
        raise ValidationError(
            f"The glossary would have {count} terms; at most {GLOSSARY_TERMS_MAX} are possible."
        )
    Term.objects.bulk_create(fresh.values(), batch_size=500)
    Term.objects.bulk_update(changed, ["source", "target"], batch_size=500)
    glossary.save(update_fields=["updated_at"])
    return count


def _check_team(user: User, team: Team | None) -> None:
    if team is not None and not editing_teams_of(user).filter(pk=team.pk).exists():
        raise ValidationError({"team": "You do not edit in this team."})


def _check_lengths(source: str, target: str) -> None:
    if not source:
        raise ValidationError({"source": "The term is missing."})
    for name, text in (("source", source), ("target", target)):
        if len(text) > GLOSSARY_TERM_MAX:
            raise ValidationError({name: f"At most {GLOSSARY_TERM_MAX} characters."})


def _tidy(text: str) -> str:
    """Postgres text cannot hold the character NUL."""
    return " ".join(text.replace("\0", "").split())
