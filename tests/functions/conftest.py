"""Functions to talk to, and the store they work on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.sqlite.store import SqliteStore
from tests.functions import serving
from tests.functions.messages import SIGNING_SECRET, TOKEN
from tests.hook import Hook, hooked

Serve = Callable[..., serving.Served]


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exactly what a deployment uploads."""
    return serving.deploy(tmp_path_factory.mktemp("deployed") / "source")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file that the served functions keep everything in."""
    return tmp_path / "switchman.sqlite3"


@pytest.fixture
def served(deployed: Path, database: Path, tmp_path: Path) -> Iterator[Serve]:
    """`served(name, env)` serves a function until the test ends; `env` adds to a sound setup."""
    numbers = count()
    sound = {
        "SWITCHMAN_STORE": f"sqlite://{database}",
        "SWITCHMAN_INGEST_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }

    with ExitStack() as running:

        def serve(name: str, env: Mapping[str, str] | None = None) -> serving.Served:
            home = tmp_path / f"{name}-{next(numbers)}"
            return running.enter_context(
                serving.serve(deployed, name, {**sound, **(env or {})}, home)
            )

        yield serve


@pytest.fixture
def store(database: Path) -> Iterator[SqliteStore]:
    """The store itself, for looking into it."""
    store = SqliteStore(database, SystemClock())
    yield store
    store.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook for SWITCHMAN_LAST_RESORT to name."""
    with hooked() as hook:
        yield hook
