"""Reads about glossaries: what somebody sees, and what counts in a run of theirs."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from accounts.models import User
from pipeline.bounds import GLOSSARY_MAX_CHARACTERS, GLOSSARY_MAX_TERMS
from sessions_app.glossaries.models import Glossary, Term


def glossaries_of(user: User) -> QuerySet[Glossary]:
    """All that the user may see, by name, each with ``term_count``."""
    found: QuerySet[Glossary] = (
        Glossary.objects.visible_to(user)
        .select_related("team", "owner")
        .annotate(term_count=Count("terms"))
        .order_by("name", "pk")
    )
    return found


def glossary_of(user: User, glossary_id: int) -> Glossary | None:
    return glossaries_of(user).filter(pk=glossary_id).first()


def may_edit(user: User, glossary: Glossary) -> bool:
    return bool(Glossary.objects.editable_by(user).filter(pk=glossary.pk).exists())


def terms_of(glossary: Glossary, *, containing: str = "") -> QuerySet[Term]:
    terms = glossary.terms.all()
    if containing:
        terms = terms.filter(Q(source__icontains=containing) | Q(target__icontains=containing))
    return terms


def terms_for(user_id: int, *, sources: Collection[str], target: str) -> dict[str, str]:
    """Source term → what it becomes, of all enabled glossaries that the person may use.

    ``sources``: languages that may be spoken; none: any. Of two that say something else of
    a term, the person's own counts before their team's and that before the catalogue's; then
    the one for this very pair of languages. Bounded like a run's own glossary: what counts
    least is left out.
    """
    spoken = Q(source_language__in=["", *sources]) if sources else Q()
    glossaries = Glossary.objects.visible_to(User(pk=user_id)).filter(
        spoken, enabled=True, target_language__in=["", target]
    )
    rank = Case(
        When(glossary__owner_id=user_id, then=Value(0)),
        When(glossary__owner__isnull=False, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    general = Case(When(glossary__source_language="", then=Value(1)), default=Value(0)) + Case(
        When(glossary__target_language="", then=Value(1)), default=Value(0)
    )
    rows = (
        Term.objects.filter(glossary__in=glossaries)
        .annotate(rank=rank, general=general)
        .order_by("rank", "general", "pk")
        .values_list("source", "target")[: 2 * GLOSSARY_MAX_TERMS]
    )
    found: dict[str, tuple[str, str]] = {}
    characters = 0
    for source, wanted in rows:
        wanted = wanted or source
        if source.casefold() in found:
            continue
        characters += len(source) + len(wanted)
        if len(found) >= GLOSSARY_MAX_TERMS or characters > GLOSSARY_MAX_CHARACTERS:
            break
        found[source.casefold()] = (source, wanted)
    return dict(found.values())
