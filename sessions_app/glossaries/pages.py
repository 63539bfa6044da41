"""``/settings/glossaries``: a person's own and their teams', term by term or as a file."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from pipeline.bounds import GLOSSARY_FILE_MAX_BYTES
from pipeline.text.bidi import isolated
from sessions_app.glossaries import selectors, services
from sessions_app.glossaries.csv_file import CsvError, read_terms, write_terms
from sessions_app.glossaries.forms import CsvForm, GlossaryForm, TermForm
from sessions_app.glossaries.models import Glossary, Term

TERMS_A_PAGE = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def glossaries(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = GlossaryForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_glossary(user, **form.cleaned_data)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            return redirect("glossary", made.pk)
    context = {"form": form, "glossaries": selectors.glossaries_of(user)}
    return render(request, "glossaries/list.html", context)


@login_required
@require_safe
def glossary(request: HttpRequest, glossary_id: int) -> HttpResponse:
    return _page(request, _seen(request, glossary_id))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, glossary_id: int) -> HttpResponse:
    user = cast(User, request.user)
    found = _edited(request, glossary_id)
    form = GlossaryForm(request.POST or None, user=user, glossary=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_glossary(user, found, **form.cleaned_data)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            messages.success(request, "Saved.")
            return redirect("glossary", found.pk)
    return render(request, "glossaries/change.html", {"form": form, "glossary": found})


@login_required
@require_POST
def delete(request: HttpRequest, glossary_id: int) -> HttpResponse:
    found = _seen(request, glossary_id)
    if not services.delete_glossary(cast(User, request.user), found):
        raise PermissionDenied
    messages.success(request, f"“{isolated(found.name)}” is deleted.")
    return redirect("glossaries")


@login_required
@require_POST
def add_term(request: HttpRequest, glossary_id: int) -> HttpResponse:
    return _put(request, _edited(request, glossary_id))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_term(request: HttpRequest, glossary_id: int, term_id: int) -> HttpResponse:
    found = _edited(request, glossary_id)
    term = get_object_or_404(Term, pk=term_id, glossary=found)
    if request.method == "POST":
        return _put(request, found, term)
    form = TermForm(initial={"source": term.source, "target": term.target})
    return render(request, "glossaries/term.html", {"form": form, "glossary": found, "term": term})


@login_required
@require_POST
def delete_term(request: HttpRequest, glossary_id: int, term_id: int) -> HttpResponse:
    services.delete_term(_edited(request, glossary_id), term_id=term_id)
    return redirect("glossary", glossary_id)


@login_required
@require_POST
def import_csv(request: HttpRequest, glossary_id: int) -> HttpResponse:
    """All of the file or nothing of it."""
    found = _edited(request, glossary_id)
    form = CsvForm(request.POST, request.FILES)
    if form.is_valid():
        # A byte more than is allowed is enough to know.
        data = form.cleaned_data["file"].read(GLOSSARY_FILE_MAX_BYTES + 1)
        try:
            terms = read_terms(data)
            count = services.import_terms(found, terms, replace=form.cleaned_data["replace"])
        except CsvError as wrong:
            form.add_error("file", [str(error) for error in wrong.errors])
        except ValidationError as wrong:
            form.add_error("file", wrong.messages)
        else:
            messages.success(
                request, f"{len(terms)} terms were read; the glossary has {count} now."
            )
            return redirect("glossary", found.pk)
    return _page(request, found, csv_form=form)


@login_required
@require_safe
def export_csv(request: HttpRequest, glossary_id: int) -> HttpResponse:
    found = _seen(request, glossary_id)
    terms = found.terms.values_list("source", "target")
    name = slugify(found.name) or "glossary"
    return HttpResponse(
        # A byte order mark, without which spreadsheets take it for another encoding.
        "\ufeff" + "".join(write_terms(terms)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _put(request: HttpRequest, found: Glossary, term: Term | None = None) -> HttpResponse:
    form = TermForm(request.POST)
    if form.is_valid():
        try:
            services.put_term(found, **form.cleaned_data, term=term)
        except ValidationError as wrong:
            form.add_error(None, wrong)
        else:
            return redirect("glossary", found.pk)
    if term is not None:
        context = {"form": form, "glossary": found, "term": term}
        return render(request, "glossaries/term.html", context)
    return _page(request, found, term_form=form)


def _page(
    request: HttpRequest,
    found: Glossary,
    *,
    term_form: TermForm | None = None,
    csv_form: CsvForm | None = None,
) -> HttpResponse:
    user = cast(User, request.user)
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    terms = selectors.terms_of(found, containing=query)
    context = {
        "glossary": found,
        "editable": selectors.may_edit(user, found),
        "own": found.owner_id == user.pk,
        "page": Paginator(terms, TERMS_A_PAGE).get_page(request.GET.get("page")),
        "query": query,
        "term_form": term_form or TermForm(),
        "csv_form": csv_form or CsvForm(),
    }
    return render(request, "glossaries/one.html", context)


def _seen(request: HttpRequest, glossary_id: int) -> Glossary:
    found = selectors.glossary_of(cast(User, request.user), glossary_id)
    if found is None:
        raise Http404
    return found


def _edited(request: HttpRequest, glossary_id: int) -> Glossary:
    found = _seen(request, glossary_id)
    if not selectors.may_edit(cast(User, request.user), found):
        raise PermissionDenied("You may see this glossary, but not change it.")
    return found
