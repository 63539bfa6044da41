"""Builds the extension for Chrome and Firefox from the same sources, always the same bytes.

python extension/tools/build.py [--out var/extension] [--firefox-id ID]

Writes `chrome/` and `firefox/`, which a browser loads unpacked, and a zip of each. Nothing is
bundled or translated: files are copied, each browser gets its own manifest, and the side panel is
the popup's page at its own size.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

EXTENSION = Path(__file__).resolve().parent.parent
ROOT = EXTENSION.parent
FOLDERS = ("_locales", "icons", "shared", "src")
FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every entry: the oldest that a zip can state."""
MINIMUM_CHROME = "123"
"""`light-dark()` of the pages; the side panel opens by a click from 116."""
MINIMUM_FIREFOX = "140.0"
"""The first with `data_collection_permissions`; both kinds of `captureStream` are handled."""
MINIMUM_FIREFOX_ANDROID = "142.0"
FIREFOX_ID = "{b12338ff-f963-503c-b04a-677b85e51715}"
"""Under which Firefox keeps the settings, and its store the listing: it never changes, or what
people have installed is another extension. Whoever publishes a build of their own needs another
one. It is the UUID (version 5) of the URL `urn:live-dubbing:extension:firefox`."""
_FIREFOX_ID = re.compile(
    r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|[a-z0-9._-]*@[a-z0-9._-]+", re.IGNORECASE
)
_FIREFOX_ID_MAX = 80
POPUP, PANEL = "src/ui/popup.html", "src/ui/panel.html"
CHROME_ONLY = ("src/offscreen",)
FIREFOX_ONLY = ("src/firefox", "src/content/inpage.js")


def version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def checked_firefox_id(text: str) -> str:
    """Raises ArgumentTypeError for what Firefox does not take."""
    if len(text) <= _FIREFOX_ID_MAX and _FIREFOX_ID.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(
        "a Firefox add-on's id is a UUID in braces or looks like name@example.org, "
        f"in {_FIREFOX_ID_MAX} characters at most"
    )


def manifest(browser: str, *, firefox_id: str = FIREFOX_ID) -> dict[str, Any]:
    base: dict[str, Any] = json.loads((EXTENSION / "manifest.json").read_text(encoding="utf-8"))
    base["version"] = version()
    return _chrome(base) if browser == "chrome" else _firefox(base, firefox_id)


def _chrome(base: dict[str, Any]) -> dict[str, Any]:
    return {
        **base,
        "minimum_chrome_version": MINIMUM_CHROME,
        "permissions": sorted([*base["permissions"], "offscreen", "sidePanel", "tabCapture"]),
        "background": {"service_worker": "src/background/main.js", "type": "module"},
        "side_panel": {"default_path": PANEL},
    }


def _firefox(base: dict[str, Any], firefox_id: str) -> dict[str, Any]:
    # Without a policy of its own Firefox turns ws:// to this very machine into wss://.
    return {
        **base,
        "background": {"scripts": ["src/firefox/main.js"], "type": "module"},
        "sidebar_action": {
            "default_panel": PANEL,
            "default_title": base["name"],
            "default_icon": base["icons"],
            "open_at_install": False,
        },
        "browser_specific_settings": {
            "gecko": {
                "id": firefox_id,
                "strict_min_version": MINIMUM_FIREFOX,
                "data_collection_permissions": {"required": ["websiteContent"]},
            },
            "gecko_android": {"strict_min_version": MINIMUM_FIREFOX_ANDROID},
        },
        "web_accessible_resources": [
            {
                "resources": ["shared/*.js", "src/api.js", "src/control.js"],
                "matches": ["<all_urls>"],
            }
        ],
    }


def files(browser: str, *, firefox_id: str = FIREFOX_ID) -> dict[str, bytes]:
    """Path within the extension → content, sorted by path."""
    left_out = FIREFOX_ONLY if browser == "chrome" else CHROME_ONLY
    made: dict[str, bytes] = {}
    for folder in FOLDERS:
        for path in (EXTENSION / folder).rglob("*"):
            name = path.relative_to(EXTENSION).as_posix()
            if path.is_file() and not name.startswith(left_out) and not path.name.startswith("."):
                made[name] = path.read_bytes()
    made[PANEL] = _panel(made[POPUP])
    made["manifest.json"] = (
        json.dumps(manifest(browser, firefox_id=firefox_id), indent=2) + "\n"
    ).encode()
    made["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    return dict(sorted(made.items()))


def _panel(popup: bytes) -> bytes:
    """The same page, told by its body's class that it has a panel's room."""
    before, kind, after = popup.partition(b'<body class="popup">')
    if not kind:
        raise ValueError(f"{POPUP} does not say that it is the popup.")
    return before + b'<body class="panel">' + after


def write(browser: str, out: Path, *, firefox_id: str = FIREFOX_ID) -> Path:
    """The folder; the zip stands beside it. What was there before goes."""
    folder = out / browser
    shutil.rmtree(folder, ignore_errors=True)
    content = files(browser, firefox_id=firefox_id)
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    archive = out / f"live-dubbing-{browser}-{version()}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, FIRST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            packed.writestr(entry, data)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "extension")
    parser.add_argument("--firefox-id", type=checked_firefox_id, default=FIREFOX_ID)
    given = parser.parse_args()
    out: Path = given.out
    for browser in ("chrome", "firefox"):
        folder = write(browser, out, firefox_id=given.firefox_id)
        sys.stdout.write(f"{folder}\n")
    for archive in sorted(out.glob("*.zip")):
        sys.stdout.write(f"{archive} {archive.stat().st_size / 1024:.0f} kB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
