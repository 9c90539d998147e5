"""Counts what passes through the front door, without a change to it."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from infra.local.cloud_run.front import PREFIX
from infra.local.metrics.source import Source

_Raised = tuple[type[BaseException], BaseException, TracebackType]


class CountedFront:
    """The application, each of its answers at the front door counted for who gave it.

    A 5xx that no revision gave (there was none, or it broke off) counts for the service alone.
    """

    def __init__(self, application: WSGIApplication, source: Source) -> None:
        self._application = application
        self._source = source

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, and count it."""
        path: str = environ["PATH_INFO"]
        if not path.startswith(PREFIX):
            return self._application(environ, start_response)
        service = path.removeprefix(PREFIX).partition("/")[0].rpartition("---")[2]

        def counted(
            status: str, headers: list[tuple[str, str]], raised: _Raised | None = None, /
        ) -> Any:
            self._count(service, int(status[:3]), dict(headers).get("x-sim-revision", ""))
            return start_response(status, headers, raised)

        return self._application(environ, counted)  # type: ignore[arg-type]

    def _count(self, service: str, status: int, revision: str) -> None:
        if revision or status >= 500:
            self._source.samples.add_requests(service, revision, status, self._source.clock())
