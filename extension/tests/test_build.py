"""What is built, and what can be said of the sources without a browser."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from extension.tests.node import ROOT, node
from extension.tools import build, wire_fixtures
from extension.tools.processes import role_of

EXTENSION = build.EXTENSION
LOCALES = sorted(path.parent.name for path in (EXTENSION / "_locales").glob("*/messages.json"))
SCRIPTS = [*(EXTENSION / "shared").rglob("*.js"), *(EXTENSION / "src").rglob("*.js")]
DOCUMENTS = [*(EXTENSION / "src").rglob("*.html")]


def messages(language: str) -> dict[str, dict[str, str]]:
    path = EXTENSION / "_locales" / language / "messages.json"
    found: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_pure_modules_pass_their_own_tests() -> None:
    files = sorted(str(path) for path in (EXTENSION / "tests" / "unit").glob("*.test.js"))
    done = node("--test", *files)
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.search(r"pass (\d+)", done.stdout)[1]) >= 40  # type: ignore[index]


def test_the_types_hold() -> None:
    done = node("node_modules/typescript/bin/tsc", "-p", "tsconfig.json")
    assert done.returncode == 0, done.stdout


def test_the_golden_frames_are_what_the_server_writes() -> None:
    assert wire_fixtures.DOCUMENT.read_text(encoding="utf-8") == wire_fixtures.document()


def test_two_builds_are_the_same_to_the_byte(tmp_path: Path) -> None:
    for browser in ("chrome", "firefox"):
        archives = []
        for out in (tmp_path / "one", tmp_path / "two"):
            out.mkdir(exist_ok=True)
            build.write(browser, out)
            archives.append(next(out.glob(f"*{browser}*.zip")).read_bytes())
        assert archives[0] == archives[1]


def test_the_panel_is_the_popup_with_more_room() -> None:
    made = build.files("chrome")
    assert made[build.PANEL] != made[build.POPUP]
    assert made[build.PANEL].replace(b'class="panel"', b'class="popup"') == made[build.POPUP]


def test_firefox_finds_no_error_in_its_build(tmp_path: Path) -> None:
    folder = build.write("firefox", tmp_path)
    arguments = ["lint", "--source-dir", str(folder), "--output", "json", "--no-config-discovery"]
    done = node("node_modules/web-ext/bin/web-ext.js", *arguments)
    found = json.loads(done.stdout)
    assert found["errors"] == []
    # The page's script loads modules of its own package by their full address, which it learns
    # only when it runs; the linter cannot tell that no other address is meant.
    assert [(one["code"], one["file"]) for one in found["warnings"]] == [
        ("UNSAFE_VAR_ASSIGNMENT", "src/content/inpage.js")
    ]
    assert done.returncode == 0


def test_firefox_knows_it_by_an_id_that_stays_unless_another_is_named(tmp_path: Path) -> None:
    gecko = build.manifest("firefox")["browser_specific_settings"]["gecko"]
    assert gecko["id"] == f"{{{uuid5(NAMESPACE_URL, 'urn:live-dubbing:extension:firefox')}}}"
    folder = build.write("firefox", tmp_path, firefox_id="dub@example.org")
    own = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert own["browser_specific_settings"]["gecko"]["id"] == "dub@example.org"
    assert "browser_specific_settings" not in build.manifest("chrome")


@pytest.mark.parametrize("wrong", ["", "dub", "{dub}", "dub@exa mple", f"{'x' * 80}@example.org"])
def test_an_id_that_firefox_would_not_take_is_refused(wrong: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"name@example\.org"):
        build.checked_firefox_id(wrong)


def test_each_browser_asks_for_the_least() -> None:
    chrome, firefox = build.manifest("chrome"), build.manifest("firefox")
    assert chrome["permissions"] == [
        "activeTab",
        "offscreen",
        "scripting",
        "sidePanel",
        "storage",
        "tabCapture",
    ]
    assert sorted(firefox["permissions"]) == ["activeTab", "scripting", "storage"]
    for manifest in (chrome, firefox):
        assert "host_permissions" not in manifest
        assert "key" not in manifest
    assert "web_accessible_resources" not in chrome


def test_every_permission_is_justified_in_the_documents() -> None:
    text = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    asked = {*build.manifest("chrome")["permissions"], *build.manifest("firefox")["permissions"]}
    asked |= set(build.manifest("chrome")["optional_host_permissions"])
    assert [name for name in sorted(asked) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("language", LOCALES)
def test_every_language_says_everything(language: str) -> None:
    english, other = messages("en"), messages(language)
    assert other.keys() == english.keys()
    for key, entry in other.items():
        assert entry["message"].strip(), key
        places = set(re.findall(r"\$\d", entry["message"]))
        assert places == set(re.findall(r"\$\d", english[key]["message"])), key
    assert len(other["description"]["message"]) <= 132


def test_every_text_that_is_used_exists() -> None:
    known = set(messages("en"))
    used: set[str] = set()
    for path in [*SCRIPTS, *DOCUMENTS]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\btext\("([a-z0-9_]+)"', text))
        used |= set(re.findall(r'data-i18n(?:-label)?="([a-z0-9_]+)"', text))
        used |= {f"trouble_{code}" for code in re.findall(r'new Trouble\("([a-z_]+)"', text)}
        used |= {f"trouble_{code}" for code in re.findall(r'new AccountError\("([a-z_]+)"', text)}
    manifest = (EXTENSION / "manifest.json").read_text(encoding="utf-8")
    used |= set(re.findall(r"__MSG_([a-z_]+)__", manifest))
    assert len(used) > 60
    assert used - known == set()


def test_nothing_comes_from_elsewhere_and_nothing_is_made_of_text() -> None:
    for path in SCRIPTS:
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:import|from)\s*\(?\s*["'`]https?:""", code), path
        assert not re.search(r"\beval\(|new Function\(|innerHTML|insertAdjacentHTML", code), path
    for path in DOCUMENTS:
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|href)="https?:""", page), path
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", page), path


def test_what_pages_share_needs_nothing_of_an_extension() -> None:
    for path in (EXTENSION / "shared").glob("*.js"):
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(?:chrome|browser)\.\w", code), path
        assert "../" not in "".join(re.findall(r'from "([^"]+)"', code)), path


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/usr/lib/chromium/chromium --headless --load-extension=built", "browser"),
        ("chromium --type=renderer --extension-process --lang=en", "extension"),
        ("chromium --type=renderer --lang=en", "page"),
        ("chromium --type=utility --utility-sub-type=audio.mojom.AudioService", "audio"),
        ("chromium --type=utility --utility-sub-type=network.mojom.NetworkService", "network"),
        ("chromium --type=gpu-process", "other"),
    ],
)
def test_a_long_run_tells_processes_apart_by_what_they_are_for(command: str, role: str) -> None:
    assert role_of(command) == role
