"""Where a last resort ends: a webhook of somebody else's, that keeps what it is sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hook:
    """An incoming webhook. `status` is what it answers; `silent`, it does not answer at all."""

    def __init__(self) -> None:
        self.status = 200
        self.silent = False
        self.released = threading.Event()
        self.port = 0
        self._lock = threading.Lock()
        self._texts: list[str] = []

    @property
    def url(self) -> str:
        """Its address; the last part is a secret, as that of every webhook."""
        return f"http://127.0.0.1:{self.port}/services/hush-hush"

    def texts(self) -> list[str]:
        """What it has taken, in order."""
        with self._lock:
            return list(self._texts)

    def take(self, body: dict[str, str]) -> int:
        """Keep the text, which apprise calls a message, unless all is to fail."""
        if self.silent:
            self.released.wait()
        elif self.status < 300:
            with self._lock:
                self._texts.append(body.get("text") or body["message"])
        return self.status


@contextmanager
def hooked() -> Iterator[Hook]:
    """A webhook for the length of the block."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            status = hook.take(json.loads(self.rfile.read(size)))
            if not hook.released.is_set():
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hook
        finally:
            hook.released.set()
            server.shutdown()
            thread.join()
