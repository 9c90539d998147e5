"""A WSGI application served by waitress on 127.0.0.1, and ended without leaving a socket open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from waitress.server import create_server
from waitress.wasyncore import close_all

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

STOP_SECONDS = 10.0


@contextmanager
def serve(application: WSGIApplication, port: int = 0, threads: int = 8) -> Iterator[str]:
    """Serve `application` while the block runs; its base URL. Port 0 takes a free one."""
    sockets: dict[int, Any] = {}
    left: dict[int, Any] = {}
    server: Any = create_server(
        application, map=sockets, host="127.0.0.1", port=port, threads=threads, ident=None
    )

    def end_the_loop() -> None:
        """Runs in the server's loop, which ends when it has no sockets; none is closed in use."""
        left.update(sockets)
        sockets.clear()

    thread = threading.Thread(target=server.run, name="world-http", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(end_the_loop)
        thread.join(STOP_SECONDS)
        server.task_dispatcher.shutdown()
        close_all(left, ignore_all=True)
