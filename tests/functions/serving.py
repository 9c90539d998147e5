"""The entry points as they run when deployed: the real server, and only what is uploaded.

The editable install puts the repository on the path through a `.pth` file, which would hide a
module that is not uploaded. So the interpreter runs without `site` (-S reads no `.pth`) and
without the working folder (-P), and finds third-party packages through PYTHONPATH alone.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("act", "command", "drill", "ingest", "respond", "slack", "status", "tick")
PYTHON = (sys.executable, "-S", "-P")

_FRAMEWORK = Path(sysconfig.get_path("scripts")) / "functions-framework"
_SECONDS_TO_START = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """One function, being served."""

    name: str
    port: int
    client: httpx.Client
    output: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """Everything the process has written so far."""
        return self.output.read_text(encoding="utf-8")

    def log(self) -> list[dict[str, Any]]:
        """The lines logged so far. Fails when one of them is not one JSON object."""
        lines = [json.loads(line) for line in self.said().splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return lines

    def lives(self) -> bool:
        """Whether the process is still up."""
        return self.process.poll() is None


def deploy(target: Path) -> Path:
    """Copy what a deployment uploads to `target`, by git's own reading of .gcloudignore."""
    bare = target.with_name(f"{target.name}.git")
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)
    git = ("git", f"--git-dir={bare}", f"--work-tree={REPOSITORY}")
    rules = f"--exclude-from={REPOSITORY / '.gcloudignore'}"
    listed = subprocess.run(
        (*git, "ls-files", "--others", "-z", rules), cwd=REPOSITORY, check=True, capture_output=True
    ).stdout
    shutil.rmtree(bare)
    for name in listed.decode().rstrip("\0").split("\0"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, target / name)
    return target


def environment(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What the process finds in its environment: `given`, and nothing of ours by accident."""
    packages = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    base = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return {**base, "PYTHONPATH": os.pathsep.join(packages), "PYTHONUTF8": "1", **given}


@contextmanager
def serve(source: Path, name: str, env: Mapping[str, str], home: Path) -> Iterator[Served]:
    """Serve a function of `source` from the empty folder `home`, until the block ends."""
    port = _free_port()
    command = (*PYTHON, str(_FRAMEWORK), "--target", name, "--source", str(source / "main.py"))
    output = home.with_name(f"{home.name}.log")
    home.mkdir()
    with output.open("wb") as log:
        process = subprocess.Popen(
            (*command, "--host", "127.0.0.1", "--port", str(port)),
            cwd=home,
            env=environment(home, env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            served = Served(name, port, client, output, process)
            _wait(served)
            yield served
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait(served: Served) -> None:
    """Wait for the framework's own answer (it knows no robots); the function is not called."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while served.lives() and time.monotonic() < deadline:
        try:
            assert served.client.get("/robots.txt").status_code == 404
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{served.name} was not up in {_SECONDS_TO_START:g} s:\n{served.said()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server with all its workers at once, whatever they are doing."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
