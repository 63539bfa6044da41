"""The image and the compose file agree with the product, and hold no secret and no root."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import yaml
from django.conf import settings as live_settings
from packaging.specifiers import SpecifierSet

from dubbing_project import settings
from dubbing_project.environment import parse_dotenv
from dubbing_project.services.launch import command_line
from dubbing_project.services.postgres import WORDLESS_LOG
from dubbing_project.services.runner import RunningServices
from pipeline.tests.waiting import wait_until

PROJECT = settings.BASE_DIR
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APP = {"web", "worker", "beat"}
SECRETS_SCRIPT = PROJECT / "dubbing_project" / "setup" / "secrets.sh"
PYTHON_OF_DEBIAN = {"bookworm": "3.11", "trixie": "3.13"}
ONLY_FOR_BUILDING = {"g++", "python3-dev", "python3-venv"}


def instructions(stage: str) -> list[str]:
    """The Dockerfile's instructions of one stage, continued lines joined."""
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE).replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    begin = next(n for n, line in enumerate(lines) if re.fullmatch(rf"FROM \S+ AS {stage}", line))
    rest = lines[begin + 1 :]
    end = next((n for n, line in enumerate(rest) if line.startswith("FROM ")), len(rest))
    return [lines[begin], *rest[:end]]


def image_environment(stage: str) -> dict[str, str]:
    words = (
        word
        for line in instructions(stage)
        if line.startswith("ENV ")
        for word in shlex.split(line.removeprefix("ENV "))
    )
    return dict(word.split("=", 1) for word in words)


def megabytes(size: str) -> int:
    """Of Postgres's, of Docker's, and of a variable's default."""
    default = re.fullmatch(r"\$\{\w+:-(\w+)\}", size)
    number, unit = re.fullmatch(r"(\d+)([mMgG])[bB]?", default[1] if default else size).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit in "gG" else 1)


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


# --- The image -------------------------------------------------------------------------


def test_the_final_image_has_no_compiler_no_root_and_a_health_check() -> None:
    app = instructions("app")
    assert re.fullmatch(r"FROM debian:(\w+)-slim AS app", app[0])
    assert "USER 10001:10001" in app
    # Nothing is done as root after the account was chosen.
    assert not [line for line in app[app.index("USER 10001:10001") :] if line.startswith("RUN")]
    assert any("dubbing_project.health.ask" in line for line in app if "HEALTHCHECK" in line)
    assert 'ENTRYPOINT ["python", "-m", "dubbing_project.services.launch"]' in app


def test_the_image_installs_the_debian_packages_of_the_set_up() -> None:
    listed = (PROJECT / "dubbing_project/setup/debian-packages.txt").read_text(encoding="utf-8")
    wanted = {line for line in listed.splitlines() if line and not line.startswith("#")}
    (run,) = [line for line in instructions("app") if line.startswith("RUN apt-get")]
    pattern = re.search(r"grep -vxE '([^']*)'", run)
    assert pattern
    kept = subprocess.run(
        ["grep", "-vxE", pattern[1]], input=listed, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(kept) == wanted - ONLY_FOR_BUILDING - {"redis-server"}
    (build,) = [line for line in instructions("build") if "apt-get install" in line]
    assert set(build.split()) >= ONLY_FOR_BUILDING


def test_the_image_installs_the_pinned_requirements() -> None:
    text = " ".join(instructions("build"))
    for name in ("base.txt", "wheels-without-dependencies.txt"):
        assert (PROJECT / "requirements" / name).is_file()
        assert f"--requirement /build/requirements/{name}" in text
    pins = (PROJECT / "requirements/base.txt").read_text(encoding="utf-8").splitlines()
    assert all("==" in line for line in pins if line and not line.lstrip().startswith("#"))


def test_the_image_s_python_is_one_the_project_supports() -> None:
    release = re.match(r"FROM debian:(\w+)-slim", instructions("build")[0])
    assert release
    assert instructions("app")[0].startswith(release[0])
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert PYTHON_OF_DEBIAN[release[1]] in SpecifierSet(project["requires-python"])


def test_the_image_sets_only_settings_there_are() -> None:
    names = {
        name
        for name in image_environment("app")
        if not name.startswith("PYTHON") and name not in {"PATH", "HOME"}
    }
    assert names == {"HOST", "PORT", "DUBBING_VAR", "DUBBING_MODELS"}
    assert names <= settings.environment.names


def included() -> list[str]:
    """What .dockerignore lets into the build, by its lines with an exclamation mark."""
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    return [line[1:] for line in lines if line.startswith("!")]


def test_secrets_and_what_was_made_stay_out_of_the_build() -> None:
    for name in included():
        assert (PROJECT / name).exists() or name == "extension"
        assert name.split("/")[0] not in {".git", ".env", "secrets", "var", ".venv"}
    for line in DOCKERFILE.splitlines():
        source = re.match(r"COPY (?!--from)(\S+)", line)
        if source and source[1] != ".":
            assert any(source[1].startswith(name) for name in included())


@pytest.fixture(scope="module")
def image_files() -> Iterator[Path]:
    """The files of the image, laid out as the build would."""
    with tempfile.TemporaryDirectory(prefix="dubbing-image-") as folder:
        root = Path(folder)
        for name in included():
            source = PROJECT / name
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                left_out = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "benchmarks")
                shutil.copytree(source, root / name, ignore=left_out)
            elif source.exists():
                shutil.copy(source, root / name)
        yield root


def test_the_image_s_files_are_enough_to_serve(image_files: Path, free_port: int) -> None:
    """The web command of the compose file, as its health check sees it."""
    var = image_files / "var-outside"
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": live_settings.DATABASE_URL,
        "REDIS_URL": live_settings.REDIS_URL,
        "DUBBING_VAR": str(var),
        "DUBBING_MODELS": str(var / "models"),
        "HOST": "127.0.0.1",
        "PORT": str(free_port),
        "HTTPS": "on",
        "ENGINES": "scripted",
        "SECRET_KEY": "x" * 64,
    }
    module = [sys.executable, "-m"]
    log = (image_files / "log").open("w+")
    server = subprocess.Popen(
        [*module, "dubbing_project.services.launch", *SERVICES["web"]["command"]],
        cwd=image_files,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        ask = [*module, "dubbing_project.health.ask"]

        def is_ready() -> bool:
            log.seek(0)
            assert server.poll() is None, log.read()
            return subprocess.run(ask, cwd=image_files, env=environment).returncode == 0

        wait_until(is_ready, within_s=180)
    finally:
        server.terminate()
        server.wait(90)
        log.close()
    assert subprocess.run(ask, cwd=image_files, env=environment).returncode == 1


# --- The compose file ------------------------------------------------------------------


def app_environment() -> dict[str, str]:
    environment: dict[str, str] = SERVICES["web"]["environment"]
    return environment


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_is_hardened_limited_and_checked(service: str) -> None:
    found = SERVICES[service]
    user, group = found["user"].split(":")
    assert int(user) > 0 < int(group)
    assert found["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged", "network_mode", "pid", "ipc"} & found.keys()
    assert "no-new-privileges:true" in found["security_opt"]
    assert found["read_only"] is True
    assert found["tmpfs"]
    assert {"cpus", "memory", "pids"} <= found["deploy"]["resources"]["limits"].keys()
    assert found["stop_grace_period"]
    # The server's is the image's own.
    assert "healthcheck" in found or service == "web"
    for volume in found["volumes"]:
        assert volume.split(":")[0] in COMPOSE["volumes"]


def test_the_database_logs_nobodys_words() -> None:
    _, *options = SERVICES["database"]["command"]
    given = [word for name, value in WORDLESS_LOG.items() for word in ("-c", f"{name}={value}")]
    assert options[: len(given)] == given


def test_the_database_s_memory_holds_what_it_is_told_to_use() -> None:
    """Its buffers an index of a million voiceprints, its shared memory one that is built."""
    _, *options = SERVICES["database"]["command"]
    assert options[::2] == ["-c"] * (len(options) // 2)
    given = dict(option.split("=", 1) for option in options[1::2])
    buffers, building = megabytes(given["shared_buffers"]), megabytes(given["maintenance_work_mem"])
    limit = megabytes(SERVICES["database"]["deploy"]["resources"]["limits"]["memory"])
    assert buffers >= 900
    assert buffers + building + 512 <= limit
    assert buffers < megabytes(given["effective_cache_size"]) <= limit
    # Workers that build an index together share it there.
    assert megabytes(SERVICES["database"]["shm_size"]) >= building


def test_the_app_s_services_differ_in_their_command_alone() -> None:
    for name in APP:
        assert SERVICES[name]["environment"] == app_environment()
        assert SERVICES[name]["build"]["target"] == "app"
        arguments = command_line().parse_args(SERVICES[name]["command"])
        assert arguments.role == name
    assert SERVICES["worker"]["command"] == ["worker"], "a worker with beat cannot be scaled"


def test_every_variable_is_a_setting_or_the_file_of_a_secret() -> None:
    environment = settings.environment
    for name, value in app_environment().items():
        if name.endswith("_FILE"):
            assert name.removesuffix("_FILE") in environment.secret_names
            assert value.removeprefix("/run/secrets/") in SERVICES["web"]["secrets"]
        else:
            assert name in environment.names - environment.secret_names


def example_settings() -> dict[str, str]:
    """Of a .env that is a copy of the example."""
    return parse_dotenv((PROJECT / ".env.example").read_text(encoding="utf-8"))


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL", variable)
            assert not secret or value.startswith("/run/secrets/"), (name, variable)
        for secret_name in service.get("secrets", ()):
            assert COMPOSE["secrets"][secret_name]["file"] == f"./secrets/{secret_name}"
    text = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8") + DOCKERFILE
    assert not re.search(r"(redis|postgresql|postgres)://", text)
    assert "secrets/" in (PROJECT / ".gitignore").read_text(encoding="utf-8").split()


def test_the_stores_are_out_of_reach_and_only_the_proxy_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for store in ("database", "redis"):
        assert SERVICES[store]["networks"] == ["inside"]
    assert "inside" not in SERVICES["proxy"]["networks"]


def test_everything_waits_for_what_it_stands_on() -> None:
    for name in APP:
        waits = SERVICES[name]["depends_on"]
        assert waits.keys() == {"database", "redis"}
        assert {wait["condition"] for wait in waits.values()} == {"service_healthy"}
    assert SERVICES["proxy"]["depends_on"]["web"]["condition"] == "service_healthy"


def test_a_stop_gives_live_sessions_the_time_to_drain() -> None:
    # The most that .env may say.
    assert seconds(SERVICES["web"]["stop_grace_period"]) >= 300 + 10


def test_the_proxy_tells_the_truth_and_lets_sockets_live() -> None:
    caddyfile = (PROJECT / "dubbing_project/setup/Caddyfile").read_text(encoding="utf-8")
    assert app_environment()["HTTPS"] == "on"
    # Caddy sets X-Forwarded-Proto itself and drops a client's, unless it is told to trust.
    assert "trusted_proxies" not in caddyfile
    assert "header_up X-Forwarded" not in caddyfile
    assert "read_timeout 1h" in caddyfile
    ports = dict(re.findall(r"(https?_port) (\d+)", caddyfile))
    published = {port.split(":")[1] for port in SERVICES["proxy"]["ports"]}
    assert published == set(ports.values())
    assert min(int(port) for port in published) > 1023
    assert re.search(r"name web\s+port (\d+)", caddyfile)[1] == image_environment("app")["PORT"]  # type: ignore[index]
    always, _, _ = app_environment()["ALLOWED_HOSTS"].partition("${ALLOWED_HOSTS")
    assert {"web", "localhost"} <= set(always.split(","))


# --- Secrets ---------------------------------------------------------------------------


def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run([SECRETS_SCRIPT, folder], check=True, stdin=subprocess.DEVNULL)
    return {file.name: file.read_text(encoding="utf-8").strip() for file in folder.iterdir()}


def test_the_secrets_are_those_of_the_compose_file_random_and_kept(tmp_path: Path) -> None:
    first = make_secrets(tmp_path / "one")
    assert first.keys() == COMPOSE["secrets"].keys()
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    # Containers read them as accounts of their own; whoever deploys fills the empty ones.
    for name, content in first.items():
        mode = stat.S_IMODE((tmp_path / "one" / name).stat().st_mode)
        assert mode == (0o444 if content else 0o644), name
    assert make_secrets(tmp_path / "one") == first
    other = make_secrets(tmp_path / "two")
    # Keys of vendors and of before cannot be made here: their files are empty.
    assert not set(first.values()) & set(other.values()) - {""}
    database, redis_url = urlsplit(first["database_url"]), urlsplit(first["redis_url"])
    assert database.password == first["postgres_password"]
    assert redis_url.password == first["redis_auth.conf"].split()[1]
    assert {database.hostname, redis_url.hostname} <= SERVICES.keys()
    assert len(redis_url.password or "") >= 64


def test_who_uses_vendors_keys_is_made_anew_where_the_docs_tell_to_fill_them_in() -> None:
    (told,) = re.findall(
        r"docker compose up --detach --force-recreate ([a-z ]+)`",
        (PROJECT / "docs" / "operation.md").read_text(encoding="utf-8"),
    )
    users = {name for name, one in SERVICES.items() if "google_api_key" in one.get("secrets", ())}
    # beat dubs nothing.
    assert set(told.split()) == users - {"beat"}


def test_a_copy_of_the_example_changes_nothing_of_what_containers_need() -> None:
    for name in APP:
        assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]
    image = image_environment("app")
    pinned = app_environment()
    # What the example sets otherwise, or to nothing, stands where no file changes it.
    for name in example_settings().keys() & image.keys():
        assert pinned[name] == image[name]
    assert not example_settings()["DATABASE_URL"]


def test_the_settings_take_the_secrets_of_the_compose_file(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    environment = image_environment("app") | example_settings()
    environment |= {
        name: value.replace("/run/secrets", str(tmp_path / "secrets"))
        for name, value in app_environment().items()
    }
    environment |= {"DUBBING_VAR": str(tmp_path), "PATH": os.environ["PATH"], "ENGINES": "offline"}
    for name in ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"):
        environment[name] = re.sub(r"\$\{DOMAIN[^}]*\}", "dub.example.org", environment[name])
        environment[name] = re.sub(r"\$\{ALLOWED_HOSTS[^}]*\}", "", environment[name])
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_redis_starts_as_the_compose_file_says_and_asks_for_the_password(
    tmp_path: Path, free_port: int
) -> None:
    made = make_secrets(tmp_path / "secrets")
    command = [
        word.replace("/run/secrets", str(tmp_path / "secrets"))
        for word in SERVICES["redis"]["command"]
    ]
    server = subprocess.Popen(
        [*command, "--port", str(free_port), "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    password = urlsplit(made["redis_url"]).password
    friend = redis.Redis(port=free_port, password=password)
    stranger = redis.Redis(port=free_port)
    try:
        wait_until(lambda: answers(friend))
        with pytest.raises(redis.AuthenticationError):
            stranger.get("x")
        assert friend.config_get("appendonly") == {"appendonly": "yes"}
        check = SERVICES["redis"]["healthcheck"]["test"][1].replace("$$", "$")
        check = check.replace("/run/secrets", str(tmp_path / "secrets"))
        check = check.replace("redis-cli", f"redis-cli -p {free_port}")
        assert subprocess.run(["sh", "-c", check]).returncode == 0
    finally:
        friend.close()
        stranger.close()
        server.terminate()
        server.wait(60)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_beat_sends_and_writes_its_schedule_down(platform: RunningServices, tmp_path: Path) -> None:
    command = ["beat", "--beat-file", str(tmp_path / "beat")]
    assert SERVICES["beat"]["command"][:2] == command[:2]
    beat = subprocess.Popen(
        [sys.executable, "-m", "dubbing_project.services.launch", *command],
        cwd=PROJECT,
        env={**os.environ, **platform.environment},
    )
    try:
        wait_until(lambda: any(tmp_path.glob("beat*")))
        time.sleep(0.2)
        assert beat.poll() is None
        check = SERVICES["beat"]["healthcheck"]["test"][1].replace("/tmp", str(tmp_path))
        assert subprocess.run(["sh", "-c", check]).returncode == 0
    finally:
        beat.terminate()
        assert beat.wait(90) == 0
