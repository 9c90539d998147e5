"""Entries of a timeline, checked against the policy they are to be played under."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.domain.alert import Alert, AlertStatus
from shared.domain.errors import BadMessage
from shared.domain.ids import stamp
from shared.domain.paging import Choice
from shared.domain.play import (
    Asked,
    CloudRunSet,
    Deployed,
    Ended,
    HealthChanged,
    MetricChanged,
    PlayEnds,
    Step,
    Told,
    TrafficMoved,
    What,
)
from shared.domain.policy import Policy
from shared.policy.durations import parse_duration
from shared.policy.faults import Fault
from shared.policy.timeline.schema import StepEntry
from shared.policy.wording import nearest

START: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When a timeline begins that does not say: a Monday at noon."""

ReadAlerts = Callable[[bytes, str], tuple[Alert, ...]]
"""How what a sender sends is read; raises `BadMessage`."""

_WISHES: Final[Mapping[str, Choice]] = {
    "acknowledge": Choice.ACKNOWLEDGE,
    "approve": Choice.APPROVE,
    "reject": Choice.REJECT,
    "resolve": Choice.RESOLVE,
}


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry, and how to say that something at a path of it is wrong."""

    entry: StepEntry
    fault: Callable[[tuple[str | int, ...], str], Fault]

    @property
    def line(self) -> int:
        """Where it stands in its file."""
        return self.fault((), "").line


@dataclass(slots=True)
class Timeline:
    """Builds the steps; what is wrong is collected in `faults`.

    An alert without a start starts at its entry's instant, or with the same alert before it,
    unless that has ended by then.
    """

    policy: Policy
    start: datetime
    read: ReadAlerts
    faults: list[Fault] = field(default_factory=list)
    _since: dict[str, tuple[datetime, Mapping[str, str]]] = field(default_factory=dict)

    def steps(self, entries: Iterable[Placed]) -> tuple[Step, ...]:
        """The steps in the order of their instants."""
        timed = [(self.instant(each.entry.at), each) for each in entries]
        timed.sort(key=lambda pair: pair[0])
        return tuple(
            Step(at=at, what=what, line=each.line)
            for at, each in timed
            for what in self._whats(each, at)
        )

    def instant(self, moment: str) -> datetime:
        """When that is."""
        if "-" in moment:
            return datetime.fromisoformat(moment.upper()).astimezone(UTC)
        return self.start + parse_duration(moment.lstrip("+"))

    def _whats(self, each: Placed, at: datetime) -> Iterable[What]:
        entry = each.entry
        if entry.alert:
            return [Told(alert=alert) for alert in self._alerts(each, at)]
        if entry.ends is not None:
            return [self._ended(entry.ends)]
        if entry.end:
            return [PlayEnds()]
        return [self._asked(each) or self._of_cloud_run(each)]

    def _alerts(self, each: Placed, at: datetime) -> tuple[Alert, ...]:
        body = each.entry.alert
        if isinstance(body, dict) and isinstance(body.get("labels"), dict):
            body = self._completed(body, at)
        try:
            return self.read(json.dumps(body, default=str).encode(), each.entry.source)
        except BadMessage as bad:
            self.faults.append(each.fault(("alert",), f"this is no alert: {bad}"))
            return ()

    def _completed(self, body: Mapping[str, Any], at: datetime) -> Mapping[str, Any]:
        labels = body["labels"]
        status = str(body.get("status") or AlertStatus.FIRING)
        key = json.dumps(labels, sort_keys=True, default=str)
        since, _ = self._since.get(key, (at, labels))
        if status == AlertStatus.FIRING:
            self._since[key] = since, labels
        else:
            self._since.pop(key, None)
        return {"startsAt": stamp(since), "endsAt": stamp(at), **body, "status": status}

    def _ended(self, labels: Mapping[str, str]) -> Ended:
        for key, (_, known) in list(self._since.items()):
            if labels.items() <= known.items():
                del self._since[key]
        return Ended(labels=labels)

    def _asked(self, each: Placed) -> Asked | None:
        entry = each.entry
        for key, choice in _WISHES.items():
            by = getattr(entry, key)
            if by:
                self._knows(each, (key,), by, self.policy.people, "people")
                return Asked(by=by, choice=choice, lane=entry.lane, stack=entry.stack)
        if entry.ask is None:
            return None
        self._knows(each, ("ask", "by"), entry.ask.by, self.policy.people, "people")
        return Asked(
            by=entry.ask.by,
            choice=entry.ask.wish,
            lane=entry.lane,
            stack=entry.stack,
            severity=entry.ask.severity,
            text=entry.ask.text,
        )

    def _of_cloud_run(self, each: Placed) -> What:
        entry = each.entry
        for key in ("deploy", "traffic", "health", "cloud_run"):
            said = getattr(entry, key)
            if said is not None:
                self._knows(each, (key, "service"), said.service, self._services(), "the stacks")
        if (deploy := entry.deploy) is not None:
            return Deployed(**_fields(deploy))
        if (traffic := entry.traffic) is not None:
            return TrafficMoved(**_fields(traffic))
        if (health := entry.health) is not None:
            return HealthChanged(**_fields(health))
        if (metric := entry.metric) is not None:
            return MetricChanged(expression=metric.query, value=metric.value)
        assert entry.cloud_run is not None, "an entry says one thing"
        given = _fields(entry.cloud_run)
        takes = parse_duration(given["takes"]) if given["takes"] else None
        return CloudRunSet(**{**given, "takes": takes})

    def _services(self) -> Iterable[str]:
        return [each.name for stack in self.policy.stacks.values() for each in stack.services]

    def _knows(
        self, each: Placed, path: tuple[str, ...], name: str, known: Iterable[str], where: str
    ) -> None:
        if name not in (names := tuple(known)):
            text = f"there is no {name!r} in {where} of the policy{nearest(name, names)}"
            self.faults.append(each.fault(path, text))


def _fields(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


def since(start: datetime, at: datetime) -> str:
    """The time since the beginning, as timelines write it: `+1h5m`."""
    return f"+{in_words(at - start)}"


def in_words(duration: timedelta) -> str:
    """A duration as the policy writes it."""
    seconds = round(duration.total_seconds(), 3)
    whole = int(seconds)
    parts = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"))
    text = "".join(f"{number}{unit}" for number, unit in parts if number)
    rest = round(whole % 60 + seconds - whole, 3)
    return text + (f"{rest:g}s" if rest or not text else "")
