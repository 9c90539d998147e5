"""What every Health does: the fake of the use-case tests, and the real one over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.http_health import HttpHealth
from shared.domain.policy import HealthCheck
from shared.ports import Health
from tests.fakes.health import Answer, FakeHealth

VERSION = HealthCheck(path="/version", non_empty=True)
DASHBOARD = HealthCheck(path="/", expect_status=(200, 302))

Serve = Callable[[Answer | None], tuple[Health, str]]


@pytest.fixture(params=["fake", "http"])
def serve(request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Starts a service that always answers the same (None: nothing there); gives its address."""
    if request.param == "fake":
        yield lambda answer: (FakeHealth(lambda _: answer), "http://service.test")
        return
    with HttpHealth(SystemClock()) as health, ExitStack() as running:

        def start(answer: Answer | None) -> tuple[Health, str]:
            if answer is None:
                return health, f"http://127.0.0.1:{running.enter_context(closed_port())}"
            return health, running.enter_context(serving(_handler(answer)))

        yield start


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """An HTTP server for the length of the test; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nothing answers: it is taken, but not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def raw_server(say: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that says on its only connection what the test wants, until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                say(connection, over)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def test_an_expected_answer_is_healthy(serve: Serve) -> None:
    """An answer with the expected status and a body passes, and says so."""
    health, uri = serve(Answer(200, b"1.2.3"))
    result = health.check(uri, VERSION)
    assert (result.ok, result.detail) == (True, "/version answered 200")


def test_an_unexpected_status_is_not_healthy(serve: Serve) -> None:
    """Another status fails, named."""
    health, uri = serve(Answer(500, b"broken"))
    result = health.check(uri, VERSION)
    assert (result.ok, result.detail) == (False, "/version answered 500")


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_is_not_healthy_where_one_is_wanted(serve: Serve, body: bytes) -> None:
    """White space alone is no version."""
    health, uri = serve(Answer(200, body))
    result = health.check(uri, VERSION)
    assert (result.ok, result.detail) == (False, "/version answered 200 and an empty body")


def test_an_empty_body_is_healthy_where_none_is_wanted(serve: Serve) -> None:
    """Only a check that asks for a body fails without one."""
    health, uri = serve(Answer(200, b""))
    assert health.check(uri, DASHBOARD).ok


def test_a_redirect_is_an_answer(serve: Serve) -> None:
    """A redirect is not followed: it passes where it is expected, and fails where it is not."""
    health, uri = serve(Answer(302, b"moved"))
    assert health.check(uri, DASHBOARD).detail == "/ answered 302"
    assert health.check(uri, DASHBOARD).ok
    assert not health.check(uri, VERSION).ok


def test_a_slash_at_the_end_of_the_address_does_no_harm(serve: Serve) -> None:
    """The path is put after the address with one slash."""
    health, uri = serve(Answer(200, b"1"))
    assert health.check(f"{uri}/", VERSION).ok


def test_nothing_there_is_not_healthy(serve: Serve) -> None:
    """What cannot be reached is not healthy, and no error is raised."""
    health, uri = serve(None)
    result = health.check(uri, VERSION)
    assert not result.ok
    assert result.detail.startswith("/version could not be asked: ")


def test_no_answer_in_time_is_not_healthy() -> None:
    """A service that takes the request and says nothing is late."""
    patient = HealthCheck(path="/version", timeout=timedelta(seconds=0.2))
    with (
        raw_server(lambda _, over: _ignore(over.wait())) as uri,
        HttpHealth(SystemClock()) as health,
    ):
        result = health.check(uri, patient)
    assert (result.ok, result.detail) == (False, "/version did not answer within 0.2 s")


def test_a_body_that_drips_is_late() -> None:
    """Each byte comes in time, the whole does not: the time-out counts for the whole."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.05):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    patient = HealthCheck(path="/version", timeout=timedelta(seconds=0.3))
    with raw_server(drip) as uri, HttpHealth(SystemClock()) as health:
        result = health.check(uri, patient)
    assert result.detail == "/version did not answer within 0.3 s"


def test_an_endless_body_is_read_only_so_far() -> None:
    """A body without an end does not hold the check up: 64 KiB of it are enough."""

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            try:
                connection.sendall(b"x" * 4096)
            except OSError:
                return

    with raw_server(flood) as uri, HttpHealth(SystemClock()) as health:
        assert health.check(uri, VERSION).ok


@pytest.mark.parametrize("uri", ["", "http://", "http://[", "ftp://example.com", "no address"])
def test_a_senseless_address_is_not_healthy(uri: str) -> None:
    """Not even an address that is none raises an error."""
    with HttpHealth(SystemClock()) as health:
        assert not health.check(uri, VERSION).ok


def test_an_answer_that_is_not_http_is_not_healthy() -> None:
    """Something else than an HTTP server on that port is not the service."""
    with (
        raw_server(lambda connection, _: connection.sendall(b"220 mail ready\r\n")) as uri,
        HttpHealth(SystemClock()) as health,
    ):
        assert not health.check(uri, VERSION).ok


def _ignore(value: object) -> None:
    """Wait for something only for the waiting's sake."""
