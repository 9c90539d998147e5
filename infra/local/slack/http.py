"""A request and a response as plain data, and the way from and to WSGI."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from infra.local.slack.errors import RequestError
from infra.local.slack.model import Json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

JSON_TYPE = "application/json; charset=utf-8"
MAX_BODY_BYTES = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as a JSON object; RequestError (400) when it is not one."""
        try:
            document = json.loads(self.body)
        except ValueError as error:
            raise RequestError(400, f"the body is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise RequestError(400, "the body must be a JSON object")
        return document


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(document: Any, status: int = 200, **headers: str) -> Response:
    """`document` as JSON; underscores in header names become hyphens."""
    body = json.dumps(document, ensure_ascii=False).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, body, JSON_TYPE, named)


def wsgi_application(handle: Callable[[Request], Response]) -> "WSGIApplication":
    """`handle` as a WSGI application; a RequestError becomes `{"error": ...}`."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        response = _answer(handle, environ)
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(len(response.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **response.headers,
        }
        status = f"{response.status} {HTTPStatus(response.status).phrase}"
        start_response(status, list(headers.items()))
        return [response.body]

    return application


def _answer(handle: Callable[[Request], Response], environ: "WSGIEnvironment") -> Response:
    try:
        request = _read(environ)
        _refuse_other_sites(request)
        return handle(request)
    except RequestError as error:
        return json_response({"error": error.message}, error.status)
    except Exception:
        _log.exception("the simulated Slack failed on %s", environ.get("PATH_INFO"))
        return json_response({"error": "the simulator failed; its log says why"}, 500)


def _read(environ: "WSGIEnvironment") -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY_BYTES:
        raise RequestError(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
    )


def _refuse_other_sites(request: Request) -> None:
    """A page of another site, open in the same browser, must not press buttons here."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise RequestError(403, "only the simulator's own page may call it from a browser")
