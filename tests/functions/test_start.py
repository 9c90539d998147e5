import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.functions.first_requests import first
from tests.functions.messages import SIGNING_SECRET, TOKEN
from tests.functions.serving import NAMES, PYTHON, environment

SCRIPT = Path(__file__).with_name("first_answer.py")
# What costs time to load, and belongs to a vendor or to a part that not every function needs.
HEAVY = (
    "apprise",
    "google.api_core",
    "google.auth",
    "google.cloud.firestore",
    "google.cloud.monitoring",
    "google.cloud.pubsub",
    "google.cloud.run",
    "google.cloud.secretmanager",
    "google.protobuf",
    "grpc",
    "httpx",
    "httpx2",
    "requests",
    "aiohttp",
    "slack_sdk",
    "stamina",
    "yaml",
    "sqlite3",
)
NEEDED = {
    "act": {"stamina", "yaml", "sqlite3"},
    "command": {"stamina", "yaml", "sqlite3"},
    "drill": {"stamina", "yaml", "sqlite3"},
    "ingest": {"sqlite3"},
    "respond": {"stamina", "yaml", "sqlite3"},
    "slack": {"sqlite3"},
    "status": {"sqlite3"},
    "tick": {"stamina", "yaml", "sqlite3"},
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The heavy parts loaded by then, and by whom; `all` is every module."""

    status: int
    at_import: set[str]
    at_first_answer: set[str]
    all: set[str]


def load(name: str, deployed: Path, tmp_path: Path) -> Loaded:
    """Let the function answer one request in a process of its own."""
    request = first(name)
    sent = {
        "method": request.method,
        "path": request.path,
        "body": request.body.decode(),
        "headers": {**request.headers},
    }
    env = {
        "SWITCHMAN_STORE": f"sqlite://{tmp_path / 'store.sqlite3'}",
        "SWITCHMAN_INGEST_TOKEN": TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }
    told = subprocess.run(
        (*PYTHON, str(SCRIPT), name, str(deployed / "main.py")),
        input=json.dumps(sent),
        cwd=tmp_path,
        env=environment(tmp_path, env),
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(told.stdout)
    imported, answered = report["imported"], report["answered"]
    return Loaded(report["status"], _heavy(imported), _heavy(answered), {*imported, *answered})


def _heavy(modules: list[str]) -> set[str]:
    return {
        part
        for part in HEAVY
        for module in modules
        if module == part or module.startswith((f"{part}.", f"{part}_"))
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_only_what_its_answer_needs(
    name: str, deployed: Path, tmp_path: Path
) -> None:
    """Importing main loads no vendor's SDK; the first answer loads what it needs and no more."""
    loaded = load(name, deployed, tmp_path)

    assert loaded.status == 200
    assert loaded.at_import == set()
    assert loaded.at_first_answer == NEEDED[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_no_other_function(name: str, deployed: Path, tmp_path: Path) -> None:
    """The process serves one entry point, and its start does not pay for the other seven."""
    loaded = load(name, deployed, tmp_path)

    assert {other for other in NAMES if f"functions.{other}" in loaded.all} == {name}


@pytest.mark.parametrize("name", ["ingest", "slack"])
def test_where_a_sender_waits_nothing_is_loaded_that_decides(
    name: str, deployed: Path, tmp_path: Path
) -> None:
    """Alertmanager and Slack wait for the answer; what follows from it is decided elsewhere."""
    loaded = load(name, deployed, tmp_path)

    assert "shared.app.accept" in loaded.all
    assert loaded.all.isdisjoint({"shared.domain.decide", "shared.domain.policy"})


def test_importing_does_not_read_the_environment(deployed: Path, tmp_path: Path) -> None:
    """With no environment of ours at all, and nothing to connect to, every function loads."""
    refuse = (
        "import sys, socket, functools\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import functions_framework, os\n"
        "def no(*given, **named): raise SystemExit('importing reached outside')\n"
        "socket.socket.connect = no\n"
        "os.environ.__class__.__getitem__ = no\n"
        "os.environ.__class__.get = no\n"
        "import main\n"
        "for name in main.__all__: getattr(main, name)\n"
        "print(*main.__all__)"
    )

    told = subprocess.run(
        (*PYTHON, "-c", refuse, str(deployed)),
        cwd=tmp_path,
        env=environment(tmp_path, {}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert tuple(told.stdout.split()) == NAMES
