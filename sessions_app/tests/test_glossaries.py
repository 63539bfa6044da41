"""Glossaries: whose they are, what counts in a run, files in and out, and that they are used."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Membership, Role, Team, User
from accounts.services import create_user
from pipeline.bounds import GLOSSARIES_MAX, GLOSSARY_MAX_TERMS, GLOSSARY_TERMS_MAX
from pipeline.providers.scripted.sounds import utterances
from sessions_app.glossaries import services
from sessions_app.glossaries.csv_file import CsvError, read_terms, write_terms
from sessions_app.glossaries.models import Glossary, Term
from sessions_app.glossaries.selectors import terms_for
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.socket import Socket

# Files -------------------------------------------------------------------------------


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(CsvError) as caught:
        read_terms(text.encode() if isinstance(text, str) else text)
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("chunk,fragmento\nGitHub\n", [("chunk", "fragmento"), ("GitHub", "")]),
        ("\ufeffsource,target\r\nchunk,fragmento\r\n", [("chunk", "fragmento")]),
        ("chunk;fragmento", [("chunk", "fragmento")]),
        ("chunk\tfragmento\tde", [("chunk", "fragmento")]),
        ('"Smith, John",\n\n', [("Smith, John", "")]),
        ("a,b\nA,b\n", [("a", "b")]),
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(text: str, terms: list[tuple[str, str]]) -> None:
    if text.count("\t") > 1:
        assert "3 cells" in problems(text)[0]
        return
    assert read_terms(text.encode()) == terms


def test_every_wrong_line_is_told_with_its_number() -> None:
    text = f"good,bueno\n,nothing\na,b,c\n{'x' * 201},y\ngood,malo\n"
    assert [problem.split(":")[0] for problem in problems(text)] == [
        "Line 2",
        "Line 3",
        "Line 4",
        "Line 5",
    ]
    assert "line 1" in problems(text)[3]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no terms"),
        (b"source,target\n", "no terms"),
        ("ä,ö\n".encode("latin-1"), "UTF-8"),
        (b"a,b\0\n", "not a text file"),
        (b'a,"b\n', "quotation mark"),
        (b"x" * (2 * 1024 * 1024 + 1), "larger than 2 MiB"),
        ("".join(f"a{n},b\n" for n in range(GLOSSARY_TERMS_MAX + 1)).encode(), "More than 2000"),
    ],
)
def test_a_file_that_is_no_glossary_is_refused_with_the_reason(data: bytes, said: str) -> None:
    assert said in problems(data)[0]


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=30)
        .map(str.strip)
        .filter(lambda text: text and text.casefold() != "source"),
        st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30).map(str.strip),
        min_size=1,
    )
)
def test_what_is_written_is_read_again(terms: dict[str, str]) -> None:
    distinct = {source.casefold(): (source, target) for source, target in terms.items()}
    written = "".join(write_terms(distinct.values())).encode()
    assert read_terms(written) == list(distinct.values())


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    assert "'=1+1" in "".join(write_terms([("=1+1", "")]))


# Whose ---------------------------------------------------------------------------------


@pytest.fixture
def people(db: None) -> dict[str, User]:
    found = {
        name: create_user(email=f"{name}@example.org", password=None)
        for name in ("ana", "ben", "eva", "stranger")
    }
    team = Team.objects.create(name="studio")
    for name, role in (("ana", Role.OWNER), ("ben", Role.EDITOR), ("eva", Role.VIEWER)):
        Membership.objects.create(team=team, user=found[name], role=role)
    return found


def made(user: User, terms: dict[str, str], **fields: Any) -> Glossary:
    glossary = services.create_glossary(user, name="names", **fields)
    services.import_terms(glossary, list(terms.items()), replace=False)
    return glossary


def test_ones_own_terms_count_before_the_teams_and_those_before_the_catalogues(
    people: dict[str, User],
) -> None:
    team = Team.objects.get()
    catalogue = Glossary.objects.create(name="all")
    services.import_terms(catalogue, [("one", "c"), ("two", "c"), ("three", "c")], replace=False)
    made(people["ana"], {"one": "team", "two": "team"}, team=team)
    made(people["ben"], {"One": "mine"})
    assert terms_for(people["ben"].pk, sources=["en"], target="es") == {
        "One": "mine",
        "two": "team",
        "three": "c",
    }
    assert terms_for(people["stranger"].pk, sources=["en"], target="es") == {
        "one": "c",
        "two": "c",
        "three": "c",
    }


def test_a_glossary_counts_for_its_languages_only_and_before_a_general_one(
    people: dict[str, User],
) -> None:
    ana = people["ana"]
    made(ana, {"bank": "general"})
    made(ana, {"bank": "banco"}, source_language="en", target_language="es")
    made(ana, {"bank": "banque"}, target_language="fr")
    made(ana, {"bank": "unused"}, target_language="es", enabled=False)
    assert terms_for(ana.pk, sources=["en"], target="es") == {"bank": "banco"}
    assert terms_for(ana.pk, sources=["de"], target="es") == {"bank": "general"}
    assert terms_for(ana.pk, sources=["de"], target="fr") == {"bank": "banque"}
    assert terms_for(ana.pk, sources=[], target="es") == {"bank": "banco"}


def test_an_empty_target_keeps_the_term_as_it_is(people: dict[str, User]) -> None:
    made(people["ana"], {"GitHub": ""})
    assert terms_for(people["ana"].pk, sources=["en"], target="es") == {"GitHub": "GitHub"}


def test_a_run_gets_no_more_terms_than_it_may_have(people: dict[str, User]) -> None:
    ana = people["ana"]
    for part in range(2):
        made(ana, {f"term {part} {n}": "" for n in range(1500)})
    assert len(terms_for(ana.pk, sources=["en"], target="es")) == GLOSSARY_MAX_TERMS


def test_only_who_edits_in_a_team_may_share_with_it(people: dict[str, User]) -> None:
    team = Team.objects.get()
    for name in ("eva", "stranger"):
        with pytest.raises(ValidationError, match="do not edit"):
            services.create_glossary(people[name], name="x", team=team)
    glossary = made(people["ben"], {}, team=team)
    with pytest.raises(ValidationError, match="Only its owner"):
        services.update_glossary(people["ana"], glossary, team=None)
    assert not services.delete_glossary(people["ana"], glossary)
    assert services.delete_glossary(people["ben"], glossary)


def test_glossaries_of_one_person_are_bounded(people: dict[str, User]) -> None:
    for _ in range(GLOSSARIES_MAX):
        services.create_glossary(people["ana"], name="x")
    with pytest.raises(ValidationError, match="delete one first"):
        services.create_glossary(people["ana"], name="x")


def test_a_file_that_would_make_too_many_terms_changes_nothing(people: dict[str, User]) -> None:
    glossary = made(people["ana"], {f"a{n}": "" for n in range(GLOSSARY_TERMS_MAX)})
    with pytest.raises(ValidationError, match="at most 2000"):
        services.import_terms(glossary, [("new", ""), ("a1", "changed")], replace=False)
    assert glossary.terms.count() == GLOSSARY_TERMS_MAX
    assert not glossary.terms.filter(target="changed").exists()
    assert services.import_terms(glossary, [("new", "")], replace=True) == 1


# Pages ---------------------------------------------------------------------------------


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_glossary_is_made_filled_from_a_file_and_given_back(people: dict[str, User]) -> None:
    client = logged_in(people["ana"])
    answer = client.post("/settings/glossaries", {"name": "Film", "target_language": "es"})
    glossary = Glossary.objects.get()
    assert answer["Location"] == f"/settings/glossaries/{glossary.pk}"
    assert not glossary.enabled
    client.post(f"{answer['Location']}/terms", {"source": "Frodo", "target": ""})
    file = SimpleUploadedFile("terms.csv", b"ring,anillo\nFrodo,Frodo\n")
    client.post(f"{answer['Location']}/import", {"file": file})
    given_back = client.get(f"{answer['Location']}/glossary.csv")
    assert given_back.content.decode("utf-8-sig") == (
        "source,target\r\nFrodo,Frodo\r\nring,anillo\r\n"
    )
    assert 'filename="film.csv"' in given_back["Content-Disposition"]


def test_what_is_wrong_in_a_file_is_on_the_page_and_nothing_is_taken(
    people: dict[str, User],
) -> None:
    glossary = made(people["ana"], {"ring": "anillo"})
    address = f"/settings/glossaries/{glossary.pk}"
    file = SimpleUploadedFile("terms.csv", b"sword,espada\n,x\n")
    page = logged_in(people["ana"]).post(f"{address}/import", {"file": file, "replace": "on"})
    assert "Line 2: The term is missing" in page.content.decode()
    assert [term.source for term in Term.objects.all()] == ["ring"]


def test_a_term_that_is_there_already_is_told_in_its_field(people: dict[str, User]) -> None:
    glossary = made(people["ana"], {"ring": "anillo"})
    page = logged_in(people["ana"]).post(
        f"/settings/glossaries/{glossary.pk}/terms", {"source": "RING", "target": "x"}
    )
    assert "in the glossary already" in page.content.decode()


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("", "get"),
        ("/change", "get"),
        ("/delete", "post"),
        ("/glossary.csv", "get"),
        ("/import", "post"),
        ("/terms", "post"),
        ("/terms/{term}", "post"),
        ("/terms/{term}/delete", "post"),
    ],
)
def test_a_strangers_glossary_does_not_exist_and_a_viewers_cannot_be_changed(
    people: dict[str, User], path: str, method: str
) -> None:
    glossary = made(people["ana"], {"ring": "anillo"}, team=Team.objects.get())
    address = f"/settings/glossaries/{glossary.pk}" + path.format(term=Term.objects.get().pk)
    assert getattr(logged_in(people["stranger"]), method)(address).status_code == 404
    reads = path in {"", "/glossary.csv"}
    viewed = getattr(logged_in(people["eva"]), method)(address)
    assert viewed.status_code == (200 if reads else 403)
    assert Term.objects.get().target == "anillo"


# In a session --------------------------------------------------------------------------


async def test_a_session_keeps_its_owners_terms_and_what_the_client_says_counts_first(
    server: Server, ana: Person
) -> None:
    words = " ".join(SCRIPT).split()
    kept, overruled = words[0], words[1]
    await sync_to_async(made)(ana.user, {kept: "KEPT", overruled: "LOST"}, target_language="es")
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(
        type="start_dubbing",
        source_language="en",
        target_language="es",
        glossary={overruled: "SAID"},
    )
    await socket.send_audio(utterances((2.0, 140.0), (2.5, 140.0)))
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()
    said = " ".join(event["text"] for event in socket.heard("translation"))
    assert "KEPT" in said
    assert "SAID" in said
    assert "LOST" not in said
