"""What came out of a message: the alerts in it, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.alert import Alert
from shared.domain.errors import BadMessage


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message, or one alert of it, that can never be read, and why. Both are free of secrets."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The alerts of one message, and what of it was rejected."""

    alerts: tuple[Alert, ...]
    rejected: tuple[Rejected, ...] = ()

    def published(self, at: datetime | None) -> Reading:
        """The same, of a message that was published then, where anybody says when."""
        if at is None:
            return self
        return replace(self, alerts=tuple(replace(each, published_at=at) for each in self.alerts))

    def complete(self) -> tuple[Alert, ...]:
        """The alerts. Raises `BadMessage` unless there are some and nothing was rejected."""
        if self.rejected:
            raise BadMessage(self.rejected[0].reason)
        if not self.alerts:
            raise BadMessage("there is no alert in it")
        return self.alerts
