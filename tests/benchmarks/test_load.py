import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.benchmarks.hour import slope
from tests.benchmarks.load import Played, play, request, write


class Echo(BaseHTTPRequestHandler):
    """Says what it was sent; refuses what says that it wants to be refused."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if body == b"refuse me" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def echo() -> Iterator[int]:
    """A server that answers with what it is sent; its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def played(path: Path, *bodies: bytes, seconds: float = 30.0, again: bool = False) -> Played:
    """What came of these requests, sent over two connections."""
    requests = write(path / "requests", map(request, bodies))
    with echo() as port:
        return play(requests, port, seconds=seconds, again=again, connections=2)


def test_every_request_is_sent_once_and_every_answer_counted(tmp_path: Path) -> None:
    """What is refused does not count as accepted, and equal answers are counted together."""
    found = played(tmp_path, b"one", b"two", b"two", b"refuse me", b"x" * 100_000)

    assert (found.accepted, found.refused) == (4, 1)
    assert found.said == {"one": 1, "two": 2, "refuse me": 1, "x" * 100_000: 1}
    assert 0 < found.median <= found.worst_hundredth < found.seconds


def test_a_request_is_sent_again_until_the_time_is_up(tmp_path: Path) -> None:
    """The last answers are waited for, so that none is lost to the count."""
    found = played(tmp_path, b"same", seconds=0.2, again=True)

    assert found.accepted > 2
    assert found.said == {"same": found.accepted}
    assert found.seconds >= 0.2


def test_slope_is_what_each_value_adds() -> None:
    """A straight line has its own slope, noise around a level nearly none."""
    assert slope([1.0, 3.0, 5.0, 7.0]) == pytest.approx(2)
    assert slope([5.0, 5.2, 4.9, 5.1, 5.0]) == pytest.approx(0, abs=0.05)
