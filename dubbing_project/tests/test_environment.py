"""The strict readers, value by value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dubbing_project.environment import (
    Environment,
    SettingError,
    load_environment,
    parse_dotenv,
)

Reader = Callable[[Environment], object]


def boolean(env: Environment) -> object:
    return env.boolean("NAME", default=False)


def integer(env: Environment) -> object:
    return env.integer("NAME", default=7, minimum=1, maximum=10)


def number(env: Environment) -> object:
    return env.number("NAME", default=0.5, minimum=0.0, maximum=1.0)


def host(env: Environment) -> object:
    return env.host("NAME", default="127.0.0.1")


def choice(env: Environment) -> object:
    return env.choice("NAME", default="local", allowed=("local", "s3"))


def origins(env: Environment) -> object:
    return env.origins("NAME")


def levels(env: Environment) -> object:
    return env.levels("NAME")


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (boolean, "", False),
        (boolean, "ON", True),
        (boolean, "no", False),
        (integer, "", 7),
        (integer, " 10 ", 10),
        (number, "", 0.5),
        (number, ".75", 0.75),
        (number, "1", 1.0),
        (host, "", "127.0.0.1"),
        (host, "::1", "::1"),
        (host, "dub.example.org", "dub.example.org"),
        (choice, "", "local"),
        (choice, "s3", "s3"),
        (origins, "", []),
        (origins, "https://a.example, chrome-extension://abc", None),
        (levels, "pipeline=debug, accounts=ERROR", {"pipeline": "DEBUG", "accounts": "ERROR"}),
    ],
)
def test_a_right_value_is_read(reader: Reader, value: str, expected: object) -> None:
    found = reader(Environment({"NAME": value}))
    if expected is None:
        expected = [word.strip() for word in value.split(",")]
    assert found == expected


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (boolean, "maybe"),
        (boolean, "2"),
        (integer, "11"),
        (integer, "0"),
        (integer, "1_0"),
        (integer, "3.0"),
        (integer, "٣"),
        (number, "nan"),
        (number, "inf"),
        (number, "1e-1"),
        (number, "1.01"),
        (number, "-0.1"),
        (host, "http://localhost"),
        (host, "a b"),
        (choice, "S3"),
        (origins, "dub.example.org"),
        (origins, "https://dub.example.org/path"),
        (levels, "pipeline"),
        (levels, "pipeline=LOUD"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(reader: Reader, value: str) -> None:
    with pytest.raises(SettingError) as refused:
        reader(Environment({"NAME": value}))
    text = str(refused.value)
    assert text.startswith("NAME=")
    assert "set it to" in text
    assert "\n" not in text


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hidden\n")
    assert Environment({"KEY_FILE": str(file)}).secret("KEY") == "hidden"
    assert Environment({"KEY": "plain"}).secret("KEY") == "plain"


def test_a_secret_given_twice_or_from_no_file_is_refused(tmp_path: Path) -> None:
    for values in (
        {"KEY": "plain", "KEY_FILE": str(tmp_path)},
        {"KEY_FILE": str(tmp_path / "none")},
    ):
        with pytest.raises(SettingError, match="KEY_FILE"):
            Environment(values).secret("KEY")


def test_a_wrong_url_is_refused_without_showing_its_password() -> None:
    def parse(value: str) -> None:
        raise ValueError("the right form")

    with pytest.raises(SettingError, match="the right form") as refused:
        Environment({"URL": "postgres://me:hunter2@"}).url("URL", parse)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n\n# note\nexport B = 'two words'\n", {"A": "1", "B": "two words"}),
        ("A=1 # note", {"A": "1"}),
        ('A="1 # kept"', {"A": "1 # kept"}),
        ("A=# only a note", {"A": ""}),
        ("A=b=c", {"A": "b=c"}),
        ("A=x#y", {"A": "x#y"}),
    ],
)
def test_a_dotenv_file_is_understood(text: str, expected: dict[str, str]) -> None:
    assert parse_dotenv(text) == expected


@pytest.mark.parametrize("text", ["just words", "1A=2", "=3"])
def test_a_broken_dotenv_line_is_named(text: str) -> None:
    with pytest.raises(SettingError, match=r"line 2"):
        parse_dotenv(f"# first\n{text}")


def test_a_dotenv_file_of_another_encoding_is_refused_and_a_mark_at_its_begin_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_bytes("EMAIL_FROM=Jos\u00e9 <a@example.org>".encode("latin-1"))
    with pytest.raises(SettingError, match="UTF-8"):
        load_environment(tmp_path, {})
    (tmp_path / ".env").write_bytes("PORT=9000".encode("utf-8-sig"))
    assert load_environment(tmp_path, {}).text("PORT") == "9000"


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1\nKEY_FILE=/nowhere\nDEBUG=on\n")
    environment = load_environment(tmp_path, {"PORT": "2", "KEY": "mine"})
    assert environment.text("PORT") == "2"
    assert environment.secret("KEY") == "mine"
    assert environment.text("DEBUG") == "on"
