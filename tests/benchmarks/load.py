"""A lean load generator: one thread, raw sockets, requests that were built beforehand.

It runs in a process of its own (`python -m tests.benchmarks.load`) so that it takes nothing from
the interpreter it measures; how much processor time it took itself is part of what it reports.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

CONNECTIONS = 8

_REPOSITORY = Path(__file__).resolve().parents[2]
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_SIZE_BYTES = 4
_ANSWER_BYTES = 65_536
_STARTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of the requests. Times are in seconds; `said` counts equal answers."""

    accepted: int
    refused: int
    seconds: float
    client_cpu_seconds: float
    median: float
    worst_hundredth: float
    said: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Accepted requests a second."""
        return self.accepted / self.seconds

    @property
    def client_share(self) -> float:
        """How much of one core the generator took."""
        return self.client_cpu_seconds / self.seconds


def request(body: bytes, path: str = "/", headers: Mapping[str, str] | None = None) -> bytes:
    """A POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode()
    return head + body


def write(path: Path, requests: Iterable[bytes]) -> Path:
    """Keep requests in a file for `play`."""
    with path.open("wb") as file:
        for each in requests:
            file.write(len(each).to_bytes(_SIZE_BYTES, "big") + each)
    return path


def play(
    requests: Path,
    port: int,
    *,
    seconds: float = float("inf"),
    again: bool = False,
    connections: int = CONNECTIONS,
) -> Played:
    """Send the requests of a file over keep-alive connections, each when the last is answered.

    Ends when the time is up or, unless they are sent `again` and again, with the last request;
    what is under way then is waited for. Raises `CalledProcessError` if a connection breaks.
    """
    command = [sys.executable, "-m", __name__, str(requests), str(port), str(connections)]
    command += ["--seconds", str(seconds), *(["--again"] if again else [])]
    done = subprocess.run(command, cwd=_REPOSITORY, check=True, stdout=subprocess.PIPE)
    return Played(**json.loads(done.stdout))


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_STARTING_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sent_at = 0.0
        self._answer = b""

    def send(self, each: bytes) -> None:
        """Send one request."""
        self._answer = b""
        self._sent_at = time.perf_counter()
        self.socket.sendall(each)

    def receive(self) -> tuple[bool, str, float] | None:
        """Whether it was accepted, what was said, and how long that took; None: more to come."""
        some = self.socket.recv(_ANSWER_BYTES)
        if not some:
            raise ConnectionError(f"the server hung up after {self._answer!r}")
        self._answer += some
        head, between, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if between else None
        if length is None or len(body) < int(length[1]):
            return None
        took = time.perf_counter() - self._sent_at
        return head[9:10] == b"2", body.decode(errors="replace").strip(), took


class _Play:
    """One run: what is left to send, and what was answered."""

    def __init__(self, requests: Iterator[bytes], seconds: float) -> None:
        self._requests = requests
        self._seconds = seconds
        self._said: Counter[str] = Counter()
        self._took: list[float] = []
        self._refused = 0

    def run(self, port: int, connections: int) -> Played:
        """Play until the end."""
        began, cpu = time.perf_counter(), _cpu_seconds()
        deadline = began + self._seconds
        with selectors.DefaultSelector() as selector:
            for _ in range(connections):
                connection = _Connection(port)
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                self._next(selector, connection, deadline)
            while selector.get_map():
                for key, _ in selector.select():
                    self._answered(selector, key.data, deadline)
        return self._played(time.perf_counter() - began, _cpu_seconds() - cpu)

    def _answered(
        self, selector: selectors.BaseSelector, connection: _Connection, deadline: float
    ) -> None:
        found = connection.receive()
        if found is None:
            return
        accepted, said, took = found
        self._took.append(took)
        self._said[said] += 1
        self._refused += not accepted
        self._next(selector, connection, deadline)

    def _next(
        self, selector: selectors.BaseSelector, connection: _Connection, deadline: float
    ) -> None:
        each = next(self._requests, None) if time.perf_counter() < deadline else None
        if each is None:
            selector.unregister(connection.socket)
            connection.socket.close()
        else:
            connection.send(each)

    def _played(self, seconds: float, cpu: float) -> Played:
        took = sorted(self._took)
        return Played(
            accepted=len(took) - self._refused,
            refused=self._refused,
            seconds=seconds,
            client_cpu_seconds=cpu,
            median=took[len(took) // 2],
            worst_hundredth=took[len(took) * 99 // 100],
            said=dict(self._said.most_common(20)),
        )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _read(path: Path) -> list[bytes]:
    found, data, at = [], path.read_bytes(), 0
    while at < len(data):
        size = int.from_bytes(data[at : at + _SIZE_BYTES], "big")
        found.append(data[at + _SIZE_BYTES : at + _SIZE_BYTES + size])
        at += _SIZE_BYTES + size
    return found


def main() -> None:
    """Play one file of requests, and print what came of it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("requests", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    found = _read(asked.requests)
    requests = cycle(found) if asked.again else iter(found)
    print(json.dumps(asdict(_Play(requests, asked.seconds).run(asked.port, asked.connections))))


if __name__ == "__main__":
    main()
