"""The revisions themselves: each one an HTTP server of its own on 127.0.0.1."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.cloud_run.model import Behaviour, Revision, ServiceKind

SLOW_SECONDS = 3.0


class RevisionServer:
    """One revision, serving on a free port until it is stopped."""

    def __init__(self, revision: Revision, kind: ServiceKind) -> None:
        self._server = _Server(revision, kind)
        self._thread = threading.Thread(
            target=self._serve, name=f"revision {revision.name}", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Close the port and every connection."""
        self._server.stopping.set()
        with socket.create_connection(self.address):
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def _serve(self) -> None:
        while not self._server.stopping.is_set():
            self._server.handle_request()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, revision: Revision, kind: ServiceKind) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.revision = revision
        self.kind = kind
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):  # the client may have hung up first
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._drain()
        revision = self.server.revision
        if revision.behaviour is Behaviour.SLOW:
            self.server.stopping.wait(SLOW_SECONDS)
        if revision.behaviour in (Behaviour.FAILING, Behaviour.UNREADY):
            self._answer(500, f"{revision.name} fails\n")
        elif self.server.kind == "backend":
            self._answer_as_backend(revision.name)
        else:
            self._answer_as_dashboard(revision.name)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815  (the names http.server looks for)
    do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  (the same)

    def _answer_as_backend(self, name: str) -> None:
        match self.path.partition("?")[0]:
            case "/version":
                self._answer(200, f"{name}\n")
            case "/":
                self._answer(200, f"backend {name} is running\n")
            case _:
                self._answer(404, "not found\n")

    def _answer_as_dashboard(self, name: str) -> None:
        match self.path.partition("?")[0]:
            case "/":
                self._answer(302, "", location="/login")
            case "/login":
                self._answer(200, f"dashboard {name}: sign in\n")
            case _:
                self._answer(404, "not found\n")

    def _answer(self, status: int, text: str, location: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _drain(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (http.server's name)
        """The front door's answers are what matters; nothing is printed here."""
