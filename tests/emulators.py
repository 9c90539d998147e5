"""Real programs for the tests: Google's emulators and whatever else a machine may have or lack.

A program that is missing skips the tests that need it, with one line that says what was not
tested; under CI the same is a failure, because there nobody would read the line.
"""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

import pytest

_READY_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.05
_STOP_WITHIN_SECONDS = 5.0
_USUAL_SDK_ROOTS = ("/usr/lib/google-cloud-sdk", "/snap/google-cloud-cli/current")


def missing(program: str, not_tested: str) -> NoReturn:
    """Skips the test, or under CI fails it, because `program` is not on this machine."""
    line = f"{program} is not on this machine; not tested: {not_tested}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def need_program(name: str, not_tested: str) -> Path:
    """Returns the path of the program `name`; where there is none, see `missing`."""
    found = shutil.which(name)
    return Path(found) if found else missing(name, not_tested)


def need_chromium() -> Path:
    """Returns the path of chromium, under any of its usual names."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    missing("chromium", "the pages, as a browser shows them")


@contextmanager
def firestore_emulator(port: int = 0) -> Iterator[str]:
    """Runs the Firestore emulator, on any free port if none is given; yields its `host:port`."""
    jar = _emulator("cloud-firestore-emulator/cloud-firestore-emulator.jar", "the Firestore store")
    java = need_program("java", "the Firestore store")
    main_class = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    with _serving([str(java), "-cp", str(jar), main_class], port) as address:
        yield address


@contextmanager
def pubsub_emulator(port: int = 0) -> Iterator[str]:
    """Runs the Pub/Sub emulator, on any free port if none is given; yields its `host:port`."""
    need_program("java", "the Pub/Sub bus")
    program = _emulator("pubsub-emulator/bin/cloud-pubsub-emulator", "the Pub/Sub bus")
    with _serving([str(program)], port) as address:
        yield address


def reset_pubsub(address: str) -> None:
    """Removes every topic, subscription and message from the Pub/Sub emulator."""
    _request(address, "POST", "/reset")


def reset_firestore(address: str, project: str, database: str = "(default)") -> None:
    """Removes every document of one database from the Firestore emulator."""
    path = f"/emulator/v1/projects/{project}/databases/{database}/documents"
    _request(address, "DELETE", path)


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _emulator(path: str, not_tested: str) -> Path:
    for root in _sdk_roots():
        if (program := root / "platform" / path).exists():
            return program
    missing(Path(path).name, not_tested)


def _sdk_roots() -> Iterator[Path]:
    """Where Google's SDK may be, the cheap guesses first: asking `gcloud` takes seconds."""
    if named := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(named)
    yield from map(Path, _USUAL_SDK_ROOTS)
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parents[1]
        ask = [gcloud, "info", "--format=value(installation.sdk_root)"]
        answer = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=60)
        yield Path(answer.stdout.strip() or "/nowhere")


@contextmanager
def _serving(command: Sequence[str], port: int) -> Iterator[str]:
    """Runs an emulator in a process group of its own until the block ends; port 0 is any free."""
    port = port or free_port()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, "--host=127.0.0.1", f"--port={port}"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, f"127.0.0.1:{port}", output)
            yield f"127.0.0.1:{port}"
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, output: IO[bytes]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            _request(address, "GET", "/")
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    output.seek(0)
    said = output.read().decode(errors="replace")[-2000:]
    pytest.fail(f"{process.args!r} did not start serving on {address}; it said:\n{said}")


def _request(address: str, method: str, path: str) -> None:
    """Sends one request; raises OSError when nobody listens yet or the answer is not 200."""
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path)
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise ConnectionError(f"{method} {path} on {address} was answered with {status}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and everything it started: politely first, then for certain."""
    for wish in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, wish)
            process.wait(_STOP_WITHIN_SECONDS)
        except (ProcessLookupError, PermissionError):
            break  # nobody is left in the group (macOS says it the second way)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
