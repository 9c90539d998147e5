"""The store and the topics are really broken under functions that are served, and mended again."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from google.cloud.pubsub_v1 import PublisherClient

from shared.adapters.sqlite.store import SqliteStore
from shared.domain.action import Topic
from tests import emulators
from tests.functions.conftest import Serve
from tests.functions.messages import alert, webhook
from tests.functions.outage import TITLE, delivered, only, posted
from tests.functions.serving import Served
from tests.hook import Hook

PROJECT = "broken"
EARLIER = webhook(alert(2))
HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
TOO_SMALL = 4096
"""Bytes: less than one page with its header, and more than a few lines of log."""


@contextmanager
def held(database: Path, respond: Served) -> Iterator[None]:
    """Another process has locked the file, and does not let go of it."""
    del respond
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield


@contextmanager
def full(database: Path, respond: Served) -> Iterator[None]:
    """The processes that serve can write no page into any file, as on a full disk."""
    del database
    limit(respond, TOO_SMALL)
    yield
    limit(respond, resource.RLIM_INFINITY)


def limit(served: Served, size: int) -> None:
    """How large the files may become that the processes of a function write."""
    for process in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]:
        if os.getpgid(process) == served.process.pid:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux has prlimit")
@pytest.mark.parametrize(
    ("breaking", "said"),
    [(held, "database is locked"), (full, "disk I/O error")],
    ids=["locked", "full"],
)
def test_a_database_that_takes_nothing_is_told(
    served: Serve,
    store: SqliteStore,
    database: Path,
    hook: Hook,
    breaking: Callable[[Path, Served], AbstractContextManager[None]],
    said: str,
) -> None:
    """It could be written to before, and is written to again by the same process afterwards."""
    respond = served("respond", {"SWITCHMAN_LAST_RESORT": hook.url})
    assert delivered(respond, 1, EARLIER) == 200

    with breaking(database, respond):
        assert delivered(respond, 2) == 503
        assert hook.texts() == []
        assert delivered(respond, 3) == 503

    text = only(hook)
    assert f"the database cannot be used now: {said}" in text
    assert TITLE in text
    assert delivered(respond, 4) == 200
    assert sum(view.alerts for view in store.incidents()) == 2
    assert len(hook.texts()) == 1


@pytest.mark.parametrize("name", ["respond", "ingest"])
def test_a_file_that_is_no_database_is_told(
    served: Serve, database: Path, hook: Hook, name: str
) -> None:
    """Something else was written over it; once that is gone, the alert is taken."""
    database.write_text("not a database, but long enough to be taken for one " * 100)
    function = served(name, {"SWITCHMAN_LAST_RESORT": hook.url})

    def send(attempt: int) -> int:
        return posted(function) if name == "ingest" else delivered(function, attempt)

    assert [send(1), send(2), send(3)] == [503] * 3
    text = only(hook)
    assert f"{database} is no store" in text
    assert TITLE in text
    database.unlink()
    assert send(4) == 200


@pytest.mark.emulator
@pytest.mark.slow
def test_firestore_that_is_away_is_told(served: Serve, hook: Hook) -> None:
    """The emulator is killed under a function that has used it; back again, the alert is taken."""
    port = emulators.free_port()
    env = {
        "SWITCHMAN_STORE": f"firestore://{PROJECT}",
        "SWITCHMAN_BUS": f"pubsub://{PROJECT}",
        "FIRESTORE_EMULATOR_HOST": f"127.0.0.1:{port}",
        "SWITCHMAN_LAST_RESORT": hook.url,
    }
    with ExitStack() as running:
        env["PUBSUB_EMULATOR_HOST"] = running.enter_context(topics())
        respond = served("respond", env)
        with emulators.firestore_emulator(port):
            assert delivered(respond, 1, EARLIER) == 200

        assert delivered(respond, 2) == 503
        assert hook.texts() == []
        assert delivered(respond, 3) == 503
        text = only(hook)
        assert "Firestore cannot be used now" in text
        assert TITLE in text

        with emulators.firestore_emulator(port):
            until(lambda: delivered(respond, 4) == 200)
    assert len(hook.texts()) == 1


@pytest.mark.emulator
@pytest.mark.slow
def test_pub_sub_that_is_away_is_503_and_told(served: Serve, hook: Hook) -> None:
    """Nothing is acknowledged that is not durable; back again, the sender's next try is taken."""
    port = emulators.free_port()
    env = {
        "SWITCHMAN_STORE": f"firestore://{PROJECT}",
        "SWITCHMAN_BUS": f"pubsub://{PROJECT}",
        "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{port}",
        "SWITCHMAN_LAST_RESORT": hook.url,
    }
    ingest = served("ingest", env)
    with topics(port):
        assert posted(ingest) == 200

    with ThreadPoolExecutor(3) as senders:
        answers = [senders.submit(posted, ingest) for _ in range(3)]
    assert [answer.result() for answer in answers] == [503] * 3
    text = only(hook)
    assert "not published" in text
    assert TITLE in text

    with topics(port):
        until(lambda: posted(ingest) == 200)
    assert len(hook.texts()) == 1


@contextmanager
def topics(port: int = 0) -> Iterator[str]:
    """The Pub/Sub emulator, which keeps nothing, with the topics that are published to."""
    with pytest.MonkeyPatch.context() as patch, emulators.pubsub_emulator(port) as address:
        patch.setenv("PUBSUB_EMULATOR_HOST", address)
        with PublisherClient() as admin:
            for topic in Topic:
                admin.create_topic(name=f"projects/{PROJECT}/topics/{topic.value}")
        yield address


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until it holds: gRPC looks for a server that went away in growing intervals."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not come to hold in {seconds:g} s"
        time.sleep(0.05)
