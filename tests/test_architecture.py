"""The layers hold: who may import whom, what pure code may use, what an import may set off."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import check

_REPOSITORY = Path(__file__).parents[1]

_VENDORS = (
    *("google.cloud.firestore", "google.cloud.logging", "google.cloud.pubsub", "google.cloud.run"),
    *("google.cloud.monitoring", "google.cloud.secretmanager", "google.api_core", "google.auth"),
    *("grpc", "httpx"),
    *("slack_sdk", "pagerduty", "apprise", "stamina"),
)

_IMPORT_MAIN = """
import json, sys, threading
connected = []
sys.addaudithook(lambda event, args: event == "socket.connect" and connected.append(str(args[1])))
import main
print(json.dumps({
    "file": main.__file__, "modules": sorted(sys.modules), "connected": connected,
    "threads": threading.active_count(),
}))
"""

_FORBIDDEN = [
    ("shared/domain/alert.py", "import yaml", "domain may not import yaml"),
    ("shared/ports.py", "import msgspec", "ports may not import msgspec"),
    ("shared/config.py", "from shared.domain import lane", "config may not import shared.domain"),
    ("shared/policy/load.py", "from shared.ports import Store", "policy may not import shared.por"),
    ("shared/wire/slack.py", "from slack_sdk import x", "wire may not import slack_sdk.x"),
    ("shared/app/handle.py", "import stamina", "app may not import stamina"),
    ("shared/adapters/sqlite.py", "import shared.app.handle", "adapters may not import shared.app"),
    ("shared/adapters/slack.py", "import yaml", "adapters may not import yaml"),
    (
        "shared/bootstrap/wiring.py",
        "from functions import ingest",
        "bootstrap may not import functions",
    ),
    ("shared/cli.py", "from infra.local import demo", "cli may not import infra.local.demo"),
    ("functions/ingest.py", "import shared.adapters.sqlite", "functions may not import shared.ad"),
    ("functions/ingest.py", "from flask import g", "functions may not import flask.g"),
    ("main.py", "import shared.bootstrap", "main may not import shared.bootstrap"),
    ("main.py", "import functions_framework", "main may not import functions_framework"),
    ("shared/domain/lane.py", "import tests.fakes", "domain may not import tests.fakes"),
    ("shared/__init__.py", "import json", "shared marks a package and imports nothing"),
    ("shared/helpers.py", "", "shared.helpers belongs to no layer"),
]

_HIDDEN = [
    ("def f():\n    from shared import bootstrap", 2, "shared.bootstrap"),
    ("from .. import adapters", 1, "shared.adapters"),
    ("from ..adapters.sqlite import open_store", 1, "shared.adapters.sqlite.open_store"),
    ("from shared import adapters", 1, "shared.adapters"),
    ("import shared.adapters as innocent", 1, "shared.adapters"),
    ("if TYPE_CHECKING:\n    import httpx", 2, "httpx"),
    ("import importlib\nimportlib.import_module('shared.cli')", 2, "shared.cli"),
    ("import_module('..adapters', __package__)", 1, "shared.adapters"),
    ("__import__('grpc')", 1, "grpc"),
    ("import_module(name)", 1, "a module whose name only shows when it runs"),
    ("try:\n    import json\nexcept ImportError:\n    import google.cloud.run_v2", 4, "google"),
]

_IMPURE = [
    ("from datetime import datetime\nx = datetime.now()", 2, "datetime.datetime.now"),
    ("import datetime as d\nx = d.datetime.now(d.UTC)", 2, "datetime.datetime.now"),
    ("import time\ndef f():\n    return time.time()", 3, "time.time"),
    ("from time import monotonic as clock\nx = clock()", 2, "time.monotonic"),
    ("from random import choice\nx = choice('ab')", 2, "random"),
    ("import uuid\nx = uuid.uuid4()", 2, "uuid.uuid4"),
    ("import os\nx = os.environ['HOME']", 2, "os.environ"),
    ("from os import getenv\nx = getenv('HOME')", 2, "os.getenv"),
]

_HARMLESS = [
    ("shared/domain/alert.py", "import datetime as d\ndef f(now: d.datetime): return now.hour"),
    ("shared/domain/alert.py", "from shared.domain.lane import Lane\nfrom . import severity"),
    ("shared/adapters/run.py", "from google.cloud import run_v2\nfrom shared.ports import Traffic"),
    ("shared/cli.py", "def local():\n    from infra.local import world"),
    ("functions/ingest.py", "import functions_framework\nfrom flask import Request"),
    ("infra/local/world.py", "import waitress, main, shared.cli\nfrom tests import fakes"),
    ("main.py", "from functions.ingest import ingest\n__all__ = ['ingest']"),
    ("shared/app/act.py", "NAMES = ('a', 'b')\nKINDS = frozenset({'a'})"),
    ("shared/app/act.py", "TABLE = MappingProxyType({'a': 1})\nROW: Final[dict] = {'a': 1}"),
    ("shared/app/act.py", "import time\ndef f():\n    known = []\n    return known, time.time()"),
]


def _plant(root: Path, path: str, source: str) -> list[str]:
    """Checks a tree whose one module is `source` below a first line of its own."""
    module = root / path
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text(f'"""A module with a planted fault."""\n{source}\n', encoding="utf-8")
    return [str(violation) for violation in check(root)]


def test_repository_keeps_its_layers() -> None:
    """No module of this repository breaks a rule."""
    assert [str(violation) for violation in check(_REPOSITORY)] == []


@pytest.mark.parametrize(("path", "source", "rule"), _FORBIDDEN)
def test_forbidden_import_is_reported(tmp_path: Path, path: str, source: str, rule: str) -> None:
    """In each layer a planted import that the table forbids is named by file, line and rule."""
    (found,) = _plant(tmp_path, path, source)
    line = 2 if source else 1
    assert found.startswith(f"{path}:{line}: {rule}")


@pytest.mark.parametrize(("source", "line", "target"), _HIDDEN)
def test_hidden_import_is_reported(tmp_path: Path, source: str, line: int, target: str) -> None:
    """A forbidden import is found however it is written and wherever it stands."""
    (found,) = _plant(tmp_path, "shared/app/handle.py", source)
    assert found.startswith(f"shared/app/handle.py:{line + 1}: app may not import {target}")


@pytest.mark.parametrize("layer", ["domain", "policy", "wire"])
@pytest.mark.parametrize(("source", "line", "use"), _IMPURE)
def test_impure_use_is_reported(
    tmp_path: Path, layer: str, source: str, line: int, use: str
) -> None:
    """The clock, chance and the environment are found in pure layers, under any alias."""
    found = _plant(tmp_path, f"shared/{layer}/thing.py", source)
    assert f"shared/{layer}/thing.py:{line + 1}: {layer} is pure and may not use {use}" in found


@pytest.mark.parametrize(
    "value", ["[]", "{}", "{1}", "[x for x in y]", "dict(a=1)", "collections.defaultdict(list)"]
)
@pytest.mark.parametrize("path", ["shared/app/act.py", "functions/act.py"])
def test_mutable_global_is_reported(tmp_path: Path, path: str, value: str) -> None:
    """A module global that holds a mutable container is found, also inside `if`."""
    found = _plant(tmp_path, path, f"SEEN = {value}\nif True:\n    KNOWN: dict = {value}")
    assert found == [
        f"{path}:2: module global SEEN is a mutable container",
        f"{path}:4: module global KNOWN is a mutable container",
    ]


def test_empty_constant_is_reported(tmp_path: Path) -> None:
    """An empty container under `Final` is a cache in disguise."""
    (found,) = _plant(tmp_path, "shared/app/act.py", "CACHE: Final[dict[str, int]] = {}")
    assert found == "shared/app/act.py:2: module global CACHE is a mutable container"


@pytest.mark.parametrize(("path", "source"), _HARMLESS)
def test_allowed_code_passes(tmp_path: Path, path: str, source: str) -> None:
    """What the table allows is not reported."""
    assert _plant(tmp_path, path, source) == []


def test_importing_main_sets_nothing_off() -> None:
    """Importing `main` loads no vendor SDK, connects nowhere and starts no thread."""
    run = subprocess.run(
        [sys.executable, "-c", _IMPORT_MAIN],
        cwd=_REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert Path(seen["file"]) == _REPOSITORY / "main.py"
    assert [name for name in seen["modules"] if name.startswith(_VENDORS)] == []
    assert (seen["connected"], seen["threads"]) == ([], 1)


def test_decoders_are_made_in_one_place() -> None:
    """Nothing but `shared.wire.decoders`, which makes one at a time, makes msgspec's decoders."""
    folders = ("shared", "functions", "infra")
    makes = re.compile(r"msgspec\.json\.(decode|Decoder)\(")
    found = {
        str(path.relative_to(_REPOSITORY))
        for folder in folders
        for path in (_REPOSITORY / folder).rglob("*.py")
        if makes.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"shared/wire/decoders.py"}
