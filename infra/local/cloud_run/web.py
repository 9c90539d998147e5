"""What the simulation's WSGI applications share."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec


def answer_json(start_response: StartResponse, status: HTTPStatus, value: Any) -> Iterable[bytes]:
    """Answer with a JSON body."""
    body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]


def answer_error(
    start_response: StartResponse, status: HTTPStatus, message: str
) -> Iterable[bytes]:
    """Answer with ``{"error": message}``."""
    return answer_json(start_response, status, {"error": message})


def body_of(environ: WSGIEnvironment) -> bytes:
    """The request's body, by its Content-Length."""
    raw: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return raw
