"""Services for tests that are not about a first start: their database has its tables already.

A cluster is made once for each state of the migrations, by an ordinary first start, and copied
for everyone who asks. Migrating still runs on each copy, and finds nothing to do.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from dubbing_project import settings
from dubbing_project.services import postgres
from dubbing_project.services.context import PROJECT, running_services
from dubbing_project.services.folders import private_folder
from dubbing_project.services.locations import ServiceLocations
from dubbing_project.services.runner import RunningServices

CACHE = settings.DUBBING_VAR / "test-clusters"
APPS = ("accounts", "voices", "sessions_app")
MIGRATE = (sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input")


def prepared_services(
    root: Path,
    *,
    stores_only: bool = False,
    durable: bool = False,
    environment: Mapping[str, str] | None = None,
    cache: Path = CACHE,
) -> AbstractContextManager[RunningServices]:
    """`running_services` on stores of their own below `root`, which holds no cluster yet."""
    copy_cluster(root.resolve(), cache)
    return running_services(root, stores_only=stores_only, durable=durable, environment=environment)


def copy_cluster(root: Path, cache: Path = CACHE) -> None:
    """Puts a stopped, migrated cluster where services below `root` look for theirs.

    Raises FileExistsError when they have one.
    """
    target = ServiceLocations(root=root).postgres_data
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _migrated_cluster(cache) as cluster:
        # As Postgres wants them: owners and modes are kept.
        subprocess.run(["cp", "--archive", "--reflink=auto", cluster, target], check=True)


@contextmanager
def _migrated_cluster(cache: Path) -> Iterator[Path]:
    """The cluster of these migrations, made by the first who asks; nobody removes it meanwhile."""
    private_folder(cache)
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster = cache / state_of_migrations()
        if not cluster.exists():
            _make_cluster(cache, cluster)
        yield cluster


def _make_cluster(cache: Path, cluster: Path) -> None:
    """In its place only once it is complete; those of other states and broken ones go."""
    for old in cache.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="dubbing-cluster-") as folder:
        root = Path(folder)
        with running_services(root, stores_only=True) as stores:
            environment = {**os.environ, **stores.environment}
            subprocess.run(MIGRATE, cwd=PROJECT, env=environment, check=True)
        new = cluster.with_suffix(".new")
        made = ServiceLocations(root=root).postgres_data
        subprocess.run(["cp", "--archive", made, new], check=True)
        new.rename(cluster)


def state_of_migrations() -> str:
    """Changes with whatever makes a cluster: our migrations, others', Postgres and its options."""
    digest = hashlib.sha256()
    files = [Path(postgres.__file__), Path(__file__), *(PROJECT / "requirements").glob("*.txt")]
    for app in APPS:
        files += (PROJECT / app).glob("**/migrations/*.py")
    for file in sorted(files):
        digest.update(f"{file.relative_to(PROJECT)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
