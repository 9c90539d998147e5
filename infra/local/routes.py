"""Which part of the world answers a request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Routes:
    """Every function under its own name, the pages of `status`, and the simulators."""

    def __init__(
        self, functions: Mapping[str, WSGIApplication], simulators: Mapping[str, WSGIApplication]
    ) -> None:
        self._functions = functions
        self._simulators = simulators

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        first = path.split("/")[1] if path.startswith("/") else ""
        if path == "/":
            start_response("302 Found", [("Location", "/status"), ("Content-Length", "0")])
            return []
        if path == "/api/health":
            return _json(
                start_response, "200 OK", {"status": "up", "functions": [*self._functions]}
            )
        if first in ("status", "api"):
            return self._functions["status"](environ, start_response)
        if first in self._functions:
            environ["SCRIPT_NAME"] = f"/{first}"
            environ["PATH_INFO"] = path[len(first) + 1 :] or "/"
            return self._functions[first](environ, start_response)
        for prefix, application in self._simulators.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return application(environ, start_response)
        return _json(start_response, "404 Not Found", {"error": f"nothing at {path}"})


def _json(start_response: StartResponse, status: str, body: object) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
