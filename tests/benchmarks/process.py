"""One start of a function under the real server: how long until it answers, and its memory."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.emulators import free_port
from tests.functions.first_requests import First
from tests.functions.serving import PYTHON, environment

OUTPUT = "output.log"

_FRAMEWORK = Path(sysconfig.get_path("scripts")) / "functions-framework"
_SECONDS_TO_ANSWER = 30.0
_SECONDS_BETWEEN_TRIES = 0.001
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


class NotAnswered(Exception):
    """The function did not take the message; the text has what it said instead."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start. `megabytes` is what server and worker hold after it; 0 where nobody can say."""

    milliseconds: float
    megabytes: float
    answer: str


def start(source: Path, name: str, env: Mapping[str, str], request: First, home: Path) -> Start:
    """Start the function, send it one message, and end it once it has accepted that.

    Raises `NotAnswered` unless the answer is 200. What the process says goes to OUTPUT in `home`.
    """
    port = free_port()
    command = (*PYTHON, str(_FRAMEWORK), "--target", name, "--source", str(source / "main.py"))
    with (home / OUTPUT).open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            (*command, "--host", "127.0.0.1", "--port", str(port)),
            cwd=home,
            env=environment(home, env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        status, answer = _ask(port, request, process)
        took = time.monotonic() - began
        if status != 200:
            raise NotAnswered(f"{name} answered {status}: {answer}")
        return Start(took * 1000, memory(process.pid), answer)
    except OSError as error:
        said = (home / OUTPUT).read_text(encoding="utf-8", errors="replace")
        raise NotAnswered(f"{name} did not answer ({error}); it said:\n{said[-2000:]}") from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ask(port: int, request: First, process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """The status and the text of the answer. The server listens before its worker is up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS_TO_ANSWER)
    try:
        _connect(connection, process)
        connection.request(request.method, request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def _connect(connection: http.client.HTTPConnection, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_ANSWER
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return connection.connect()
        except ConnectionRefusedError:
            time.sleep(_SECONDS_BETWEEN_TRIES)
    raise TimeoutError("nobody listens")


def memory(group: int) -> float:
    """Megabytes held by the processes of a group; what several of them share counts once.

    https://docs.kernel.org/filesystems/proc.html: Pss in smaps_rollup.
    """
    kilobytes = 0
    for process in _members(group):
        with suppress(OSError):
            found = _PSS.search((process / "smaps_rollup").read_text(encoding="ascii"))
            kilobytes += int(found[1]) if found else 0
    return kilobytes * 1024 / 1e6


def _members(group: int) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError):
            if os.getpgid(int(process.name)) == group:
                yield process
