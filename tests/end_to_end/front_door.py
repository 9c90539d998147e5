"""Functions under addresses that stay, whichever process serves them just now."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from shared.domain.errors import BadMessage
from shared.wire import pubsub

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to a function and how it was answered; `data` is what its message holds."""

    function: str
    data: bytes
    status: int


@dataclass(slots=True)
class FrontDoor:
    """Hands requests on, as Cloud Run's front end does, and remembers how they were answered.

    While nobody serves a function its requests are answered 503, as Cloud Run does without an
    instance.
    """

    _ports: dict[str, int] = field(default_factory=dict)
    _refusing: set[str] = field(default_factory=set)
    _deliveries: list[Delivery] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def open(self, function: str, port: int) -> None:
        """Hand the function's requests on to this port from now on."""
        self._ports[function] = port

    def refuse(self, function: str) -> None:
        """Answer the function's requests with 500 from now on."""
        self._refusing.add(function)

    def statuses(self, function: str, containing: bytes) -> list[int]:
        """How a function answered every message with these bytes in its data."""
        with self._lock:
            heard = [each for each in self._deliveries if each.function == function]
        return [each.status for each in heard if containing in each.data]

    def application(self, function: str) -> WSGIApplication:
        """The address of one function."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            answered = self._hand_on(function, environ, body)
            with self._lock:
                self._deliveries.append(Delivery(function, _data(body), answered.status_code))
            status = f"{answered.status_code} {answered.reason_phrase}"
            start_response(status, [("Content-Type", "application/json")])
            return [answered.content]

        return answer

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _hand_on(self, function: str, environ: WSGIEnvironment, body: bytes) -> httpx.Response:
        if function in self._refusing:
            return httpx.Response(500)
        headers = {
            "Content-Type": environ.get("CONTENT_TYPE", ""),
            "Authorization": environ.get("HTTP_AUTHORIZATION", ""),
        }
        url = f"http://127.0.0.1:{self._ports.get(function, 0)}/"
        try:
            return self._http.post(url, content=body, headers=headers)
        except httpx.TransportError:
            return httpx.Response(503)


def _data(body: bytes) -> bytes:
    """What the request's message holds; for `ingest`, which is sent none, the request itself."""
    try:
        return pubsub.unwrap(body, {}).data
    except BadMessage:
        return body
