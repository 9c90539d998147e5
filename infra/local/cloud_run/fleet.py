"""Which revision servers run, and the kept-alive connections to them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.cloud_run.model import Revision, ServiceKind
from infra.local.cloud_run.revisions import RevisionServer

_TIMEOUT_SECONDS = 60.0
_IDLE_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to a revision; ``target`` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What a revision answered."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class Fleet:
    """Starts a revision's server at its first request, as Cloud Run scales from zero."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, RevisionServer] = {}
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}

    def send(self, revision: Revision, kind: ServiceKind, request: Request) -> Response:
        """Send a real HTTP request to the revision.

        Raises:
            OSError, http.client.HTTPException: The revision did not answer properly.
        """
        connection = self._connection(revision, kind)
        try:
            connection.request(
                request.method, request.target, request.body or None, dict(request.headers)
            )
            answer = connection.getresponse()
            body = answer.read()
        except BaseException:
            connection.close()
            raise
        self._keep(revision.name, connection)
        return Response(answer.status, answer.reason, answer.getheaders(), body)

    def stop(self) -> None:
        """Stop every server; requests under way fail."""
        with self._lock:
            servers, self._servers = list(self._servers.values()), {}
            idle = [connection for kept in self._idle.values() for connection in kept]
            self._idle = {}
        for connection in idle:
            connection.close()
        for server in servers:
            server.stop()

    def _connection(self, revision: Revision, kind: ServiceKind) -> http.client.HTTPConnection:
        with self._lock:
            if kept := self._idle.get(revision.name):
                return kept.pop()
            if revision.name not in self._servers:
                self._servers[revision.name] = RevisionServer(revision, kind)
            host, port = self._servers[revision.name].address
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)

    def _keep(self, revision: str, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            kept = self._idle.setdefault(revision, [])
            if revision in self._servers and len(kept) < _IDLE_CONNECTIONS:
                kept.append(connection)
                return
        connection.close()
