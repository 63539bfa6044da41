"""What a start with given variables does, seen from outside."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dubbing_project import settings

PROJECT = settings.BASE_DIR
# Set by the tests' own services or by CI, and no part of what is asked here.
KEPT = {"PATH", "HOME", "LANG"}


def start(code: str, var: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name in KEPT}
    return subprocess.run(
        [sys.executable, "-c", f"from dubbing_project import settings\n{code}"],
        cwd=PROJECT,
        env={**env, "DUBBING_VAR": str(var), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("DEBUG", "perhaps"),
        ("SAMPLE_RATE", "44.1k"),
        ("CHUNK_SIZE", "16001"),
        ("MAX_CHUNK_DURATION", "-1"),
        ("VOICE_SIMILARITY_THRESHOLD", "80"),
        ("MAX_CONCURRENT_REQUESTS", "0"),
        ("CACHE_TTL", "an hour"),
        ("GOOGLE_CLOUD_CREDENTIALS_PATH", "/nowhere.json"),
        ("DATABASE_URL", "sqlite:///x"),
        ("REDIS_URL", "memcached://x"),
        ("STORAGE", "ftp"),
        ("CSRF_TRUSTED_ORIGINS", "dub.example.org"),
        ("LOG_LEVELS", "pipeline"),
        ("METRICS_TOKEN", "short"),
        ("DISK_FREE_MIN_MB", "-1"),
        ("ENGINES", "google"),
        ("ENGINES", "recognizer=elevenlabs"),
        ("SOURCE_CANDIDATES", "en,es,fr,de,it"),
        ("SOURCE_CANDIDATES", "english"),
        ("GOOGLE_SPEECH_REGION", "eu.example.org"),
        ("GOOGLE_SPEECH_MODEL", "../long"),
        ("GOOGLE_SPEECH_ENDPOINT", "https://localhost"),
        ("ELEVENLABS_BASE_URL", "api.elevenlabs.io"),
        ("CLOUD_ROOT_CERTIFICATES", "/nowhere.pem"),
        ("ALLOW_USER_KEYS", "perhaps"),
        ("ENGINE_PRICES", "elevenlabs=0.15"),
        ("ENGINE_PRICES", "eleven:synthesis=0.15/1000"),
        ("PRICE_CURRENCY", "dollars"),
        ("MAX_COST_PER_DAY", "-1"),
        ("API_REQUESTS_PER_MINUTE", "0"),
        ("WEBHOOKS_PRIVATE_ADDRESSES", "some"),
        ("WEBHOOKS_ROOT_CERTIFICATES", "/nowhere.pem"),
        ("WEBHOOKS_ROOT_CERTIFICATES", "~nobody-of-this-name/root.pem"),
        ("DUBBING_VAR", "/dev/null/var"),
    ],
)
def test_a_wrong_value_ends_the_start_with_one_line(tmp_path: Path, name: str, value: str) -> None:
    done = start("", tmp_path, **{name: value})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"Wrong setting: {name}=")


def test_the_defaults_are_the_customers(tmp_path: Path) -> None:
    names = (
        "HOST PORT DEBUG AUDIO_DEBUG SAMPLE_RATE CHUNK_SIZE MAX_CHUNK_DURATION "
        "VOICE_SIMILARITY_THRESHOLD VOICE_STABILITY VOICE_CLARITY MAX_CONCURRENT_REQUESTS CACHE_TTL"
    ).split()
    done = start(f"print([getattr(settings, name) for name in {names}])", tmp_path)
    expected = ["127.0.0.1", 8000, False, False, 16000, 1024, 1.0, 0.8, 0.5, 0.75, 10, 3600]
    assert done.stdout.strip() == str(expected)


def test_a_bucket_whose_address_is_none_ends_the_start(tmp_path: Path) -> None:
    done = start("", tmp_path, STORAGE="s3", S3_BUCKET="voices", S3_ENDPOINT_URL="files")
    assert done.stderr.startswith("Wrong setting: S3_ENDPOINT_URL='files'")


def test_a_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    keys = [start("print(settings.SECRET_KEY)", tmp_path).stdout for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(keys[0].strip()) >= 64
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert not list(tmp_path.glob("secret_key.*"))


def test_a_secret_key_that_cannot_be_kept_ends_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    done = start("", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Cannot start: ")
    assert str(tmp_path / "secret_key") in done.stderr


def test_https_makes_cookies_secure_and_plain_http_keeps_working_without(tmp_path: Path) -> None:
    code = "print(settings.SESSION_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT)"
    assert start(code, tmp_path).stdout.split() == ["False", "False"]
    assert start(code, tmp_path, HTTPS="on").stdout.split() == ["True", "True"]


def test_old_secret_keys_and_one_kind_of_google_key_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text("\n")
    given = {"GOOGLE_API_KEY": "x" * 20, "GOOGLE_CLOUD_CREDENTIALS_PATH": str(file)}
    code = "print(settings.SECRET_KEY_FALLBACKS, settings.GOOGLE_CLOUD_CREDENTIALS_PATH)"
    done = start(code, tmp_path, SECRET_KEY_FALLBACKS="one, two,", **given)
    assert done.stdout.strip() == "['one', 'two'] None"
    file.write_text("{}\n")
    assert start("", tmp_path, **given).stderr.startswith("Wrong setting: GOOGLE_API_KEY='…'")


def test_a_limit_in_money_needs_prices(tmp_path: Path) -> None:
    done = start("", tmp_path, MAX_COST_PER_DAY="5")
    assert done.stderr.startswith("Wrong setting: ENGINE_PRICES=")
    prices = "elevenlabs:synthesis=0.15/1000"
    assert start("", tmp_path, MAX_COST_PER_DAY="5", ENGINE_PRICES=prices).returncode == 0


@pytest.mark.parametrize(
    "more",
    [
        {"S3_ENDPOINT_URL": "https://files.example.org:9000"},
        {"S3_REGION": "eu-central-1"},
        {"S3_BUCKET": "with.dots", "S3_REGION": "us-east-1"},
    ],
)
def test_pages_allow_sound_and_pictures_of_the_bucket_they_are_sent_to(
    tmp_path: Path, more: dict[str, str]
) -> None:
    code = """
import os, json
os.environ["DJANGO_SETTINGS_MODULE"] = "dubbing_project.settings"
from django.core.files.storage import default_storage
policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
print(json.dumps([default_storage.url("a.flac"), policy["media-src"], policy["img-src"]]))
"""
    keys = {"S3_ACCESS_KEY_ID": "a", "S3_SECRET_ACCESS_KEY": "b"}
    done = start(code, tmp_path, STORAGE="s3", **{"S3_BUCKET": "voices"} | keys | more)
    address, *sources = json.loads(done.stdout)
    origin = "/".join(address.split("/")[:3])
    assert origin.startswith("https://")
    assert all(origin in allowed for allowed in sources), (address, sources)


def test_the_example_file_names_every_setting() -> None:
    text = (PROJECT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, flags=re.MULTILINE))
    assert named == settings.environment.names


def test_the_readme_explains_every_setting() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`(?: \*)? \|", text, flags=re.MULTILINE))
    assert rows == settings.environment.names
