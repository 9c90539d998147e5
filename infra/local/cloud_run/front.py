"""The front door: real requests to the services, by the traffic Cloud Run observes."""

from __future__ import annotations

import http.client
import random
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from infra.local.cloud_run.catalog import Catalog
from infra.local.cloud_run.fleet import Fleet, Request, Response
from infra.local.cloud_run.model import Target
from infra.local.cloud_run.web import answer_error, body_of

PREFIX = "/sim/front/"
_OF_ONE_CONNECTION = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


class FrontDoor:
    """A WSGI application: ``/sim/front/SERVICE/path`` and ``/sim/front/TAG---SERVICE/path``."""

    def __init__(self, catalog: Catalog, fleet: Fleet, chooser: random.Random) -> None:
        self._catalog = catalog
        self._fleet = fleet
        self._chooser = chooser

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Forward one request; the answer says in ``x-sim-revision`` who gave it."""
        host, _, path = environ["PATH_INFO"].removeprefix(PREFIX).partition("/")
        tag, _, name = host.rpartition("---")
        service = self._catalog.service(name)
        if service is None:
            return answer_error(start_response, HTTPStatus.NOT_FOUND, f"no service {name!r}")
        chosen = _tagged(service.observed, tag) if tag else self._chosen(service.observed)
        revision = self._catalog.revision(name, chosen)
        if revision is None:
            text = f"no revision of {host!r} takes this request"
            return answer_error(start_response, HTTPStatus.SERVICE_UNAVAILABLE, text)
        try:
            response = self._fleet.send(revision, service.kind, _request(environ, path))
        except (OSError, http.client.HTTPException) as error:
            text = f"revision {chosen} did not answer: {error}"
            return answer_error(start_response, HTTPStatus.BAD_GATEWAY, text)
        start_response(f"{response.status} {response.reason}", _headers(response, chosen))
        return [response.body]

    def _chosen(self, observed: tuple[Target, ...]) -> str:
        weights = [target.percent for target in observed]
        if not any(weights):
            return ""
        return self._chooser.choices(observed, weights)[0].revision


def _headers(response: Response, revision: str) -> list[tuple[str, str]]:
    kept = [pair for pair in response.headers if pair[0].lower() not in _OF_ONE_CONNECTION]
    return [*kept, ("Content-Length", str(len(response.body))), ("x-sim-revision", revision)]


def _tagged(observed: tuple[Target, ...], tag: str) -> str:
    return next((target.revision for target in observed if target.tag == tag), "")


def _request(environ: WSGIEnvironment, path: str) -> Request:
    target = "/" + quote(path.encode("latin-1"), safe="/:@!$&'()*+,;=~-._")
    if query := environ.get("QUERY_STRING"):
        target += f"?{query}"
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    kept = {key: value for key, value in headers.items() if key not in _OF_ONE_CONNECTION}
    if content_type := environ.get("CONTENT_TYPE"):
        kept["content-type"] = content_type
    return Request(environ["REQUEST_METHOD"], target, kept, body_of(environ))
