"""Strict readers of settings from the environment and a `.env` file.

Every reader names the variable, the value it found and what is allowed when the value
is wrong. An empty value counts as unset. A secret may come from the file that
`NAME_FILE` names instead of from `NAME`.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

TRUE_WORDS = frozenset({"1", "on", "true", "yes"})
FALSE_WORDS = frozenset({"0", "off", "false", "no"})
HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


class SettingError(ValueError):
    """A variable holds something the product cannot run with. The text is one line."""

    def __init__(self, name: str, value: str, allowed: str) -> None:
        super().__init__(f"{name}={value!r} is not allowed: set it to {allowed}.")


class Environment:
    """Reads typed values out of a mapping and remembers which names were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()
        self.secret_names: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """The stripped value, or the default when it is unset or empty."""
        self.names.add(name)
        return self._values.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """The value of NAME, or the contents of the file that NAME_FILE names."""
        self.secret_names.add(name)
        value = self.text(name)
        file = self._values.get(f"{name}_FILE", "").strip()
        if not file:
            return value
        if value:
            raise SettingError(f"{name}_FILE", file, f"nothing while {name} is set too")
        try:
            return Path(file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingError(f"{name}_FILE", file, "a readable text file") from None

    def boolean(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value in TRUE_WORDS:
            return True
        if value in FALSE_WORDS:
            return False
        raise SettingError(name, value, "on or off (also true/false, yes/no, 1/0)")

    def integer(self, name: str, *, default: int, minimum: int, maximum: int) -> int:
        value = self.text(name)
        if not value:
            return default
        allowed = f"a whole number from {minimum} to {maximum}"
        # int() alone would also take "1_000" and digits of other scripts.
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value) or not minimum <= int(value) <= maximum:
            raise SettingError(name, value, allowed)
        return int(value)

    def number(self, name: str, *, default: float, minimum: float, maximum: float) -> float:
        value = self.text(name)
        if not value:
            return default
        allowed = f"a number from {minimum:g} to {maximum:g}"
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", value):
            raise SettingError(name, value, allowed)
        if not minimum <= float(value) <= maximum:
            raise SettingError(name, value, allowed)
        return float(value)

    def choice(self, name: str, *, default: str, allowed: Iterable[str]) -> str:
        words = tuple(allowed)
        value = self.text(name, default)
        if value not in words:
            raise SettingError(name, value, f"one of {', '.join(words)}")
        return value

    def words(self, name: str, *, default: Iterable[str] = ()) -> list[str]:
        """A comma-separated list; empty items are left out."""
        value = self.text(name)
        return [word.strip() for word in value.split(",") if word.strip()] or list(default)

    def parsed(self, name: str, parse: Callable[[str], object], *, default: str = "") -> str:
        """A value that `parse` accepts; its ValueError says what is allowed."""
        value = self.text(name, default)
        if value:
            try:
                parse(value)
            except ValueError as error:
                raise SettingError(name, value, str(error)) from None
        return value

    def matching(self, name: str, pattern: str, allowed: str, *, default: str = "") -> str:
        """A value of a form that `allowed` describes; empty where there is no default."""
        value = self.text(name, default)
        if value and not re.fullmatch(pattern, value):
            raise SettingError(name, value, allowed)
        return value

    def secrets(self, name: str) -> list[str]:
        """Several secrets, separated by commas, spaces or lines."""
        return [secret for secret in re.split(r"[,\s]+", self.secret(name)) if secret]

    def host(self, name: str, *, default: str) -> str:
        """An address or host name to listen on."""
        value = self.text(name, default)
        if not _is_address(value) and not HOST_NAME.fullmatch(value):
            raise SettingError(name, value, "an IP address or a host name")
        return value

    def path(self, name: str, *, default: Path, root: Path) -> Path:
        """An absolute path; a relative one is taken from the root."""
        value = self.text(name)
        return root / _home_resolved(name, value) if value else default

    def made(self, name: str, folder: Path) -> Path:
        """The folder, made where there is none; ``name`` is the setting that it depends on."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            allowed = f"a folder that can be made and written to (now: {error.strerror})"
            raise SettingError(name, str(folder.parent), allowed) from None
        return folder

    def existing_file(self, name: str, *, root: Path) -> Path | None:
        value = self.text(name)
        if not value:
            return None
        file = root / _home_resolved(name, value)
        try:
            found = file.is_file()
        except OSError:
            found = False
        if not found:
            raise SettingError(name, value, "the path of an existing file that can be read")
        return file

    def origins(self, name: str, *, default: Iterable[str] = ()) -> list[str]:
        """Origins such as https://dub.example.org or chrome-extension://abc."""
        origins = self.words(name, default=default)
        for origin in origins:
            parts = urlsplit(origin)
            if not parts.scheme or not parts.netloc or parts.path or parts.query or parts.fragment:
                raise SettingError(
                    name, origin, "origins with a scheme, such as https://dub.example.org"
                )
        return origins

    def levels(self, name: str) -> dict[str, str]:
        """Log levels per component, such as pipeline=DEBUG,sessions_app=WARNING."""
        known = logging.getLevelNamesMapping()
        levels: dict[str, str] = {}
        for word in self.words(name):
            component, equals, level = word.partition("=")
            if not component or not equals or level.upper() not in known:
                allowed = "component=LEVEL pairs, with DEBUG, INFO, WARNING, ERROR or CRITICAL"
                raise SettingError(name, word, allowed)
            levels[component.strip()] = level.upper()
        return levels

    def url(self, name: str, parse: Callable[[str], object], *, secret_part: str = "") -> str:
        """A URL that `parse` accepts; its ValueError says what is allowed.

        The value is never echoed: it may hold a password.
        """
        value = self.secret(name)
        if value:
            try:
                parse(value)
            except ValueError as error:
                raise SettingError(name, "…", f"{error}{secret_part}") from None
        return value


def _home_resolved(name: str, value: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise SettingError(name, value, "a path without the home of an unknown account") from None


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return False
    return True


def parse_dotenv(text: str) -> dict[str, str]:
    """NAME=value lines; `#` comments, blank lines, `export` and matching quotes are understood."""
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise SettingError(f".env line {number}", name, "NAME=value")
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        else:
            value = re.split(r"\s+#", value, maxsplit=1)[0].strip()
            value = "" if value.startswith("#") else value
        values[name] = value
    return values


def load_environment(root: Path, process: Mapping[str, str]) -> Environment:
    """The process environment over the project's `.env` file, if there is one.

    A process that sets NAME also wins over the file's NAME_FILE, and the other way round.
    """
    file = root / ".env"
    try:
        values = parse_dotenv(file.read_text(encoding="utf-8-sig")) if file.is_file() else {}
    except (OSError, UnicodeDecodeError):
        raise SettingError(".env", str(file), "a readable text file in UTF-8") from None
    for name, value in process.items():
        if value.strip():
            values.pop(f"{name}_FILE", None)
            values.pop(name.removesuffix("_FILE"), None)
    return Environment({**values, **process})
