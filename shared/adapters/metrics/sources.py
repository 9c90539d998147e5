"""Several sources of metrics as one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.domain.errors import Refused
from shared.domain.metrics import MetricQuery, Missing, Reading
from shared.ports import Metrics


class Sources:
    """Each query goes to the source it names, and every count of requests to `counts`."""

    def __init__(self, by_name: Mapping[str, Metrics], counts: str) -> None:
        self._by_name = dict(by_name)
        self._counts = counts

    def value(self, query: MetricQuery, at: datetime) -> Reading | Missing:
        """What the query's source says. Raises `Refused` when there is no such source."""
        return self._source(query.source).value(query, at)

    def requests(self, resource: str, revision: str, window: timedelta, at: datetime) -> int | None:
        """What the counting source says. Raises `Refused` when there is no such source."""
        return self._source(self._counts).requests(resource, revision, window, at)

    def _source(self, name: str) -> Metrics:
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(sorted(self._by_name)) or "none"
            raise Refused(f"there is no source of metrics {name!r}; known: {known}") from None
