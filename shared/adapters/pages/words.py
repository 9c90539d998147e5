"""Times and short phrases for people. Instants come as the ISO texts of the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from shared.domain.rollback import short

_SPACE: Final = "\N{NO-BREAK SPACE}"
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

STATES: Final[Mapping[str, str]] = {
    "open": "open",
    "acknowledged": "acknowledged",
    "mitigating": "rolling back",
    "mitigated": "mitigated: healthy again",
    "resolving": "resolving: nothing fires",
    "resolved": "resolved",
    "reviewed": "reviewed and closed",
    "merged": "merged into another",
}
ROLLBACK_PHASES: Final[Mapping[str, str]] = {
    "planning": "being planned",
    "proposed": "waits for approval",
    "applying": "traffic is being moved",
    "restoring": "being undone",
    "applied": "traffic moved",
    "undone": "undone",
    "held": "stopped half-way: look at the traffic",
    "rejected": "rejected",
    "expired": "plan expired",
    "unavailable": "none possible",
    "withdrawn": "no longer needed",
}
DATA_PHASES: Final[Mapping[str, str]] = {
    "verifying": "the snapshot is being verified",
    "proposed": "waits for two approvals",
    "exporting": "the present state is being exported",
    "importing": "the snapshot is being imported",
    "checking": "health and the data are being checked",
    "done": "done: healthy, and as the snapshot has it",
    "failed": "failed",
    "held": "in doubt: look at the data",
    "refused": "none possible",
    "rejected": "rejected",
    "expired": "plan expired",
    "withdrawn": "no longer needed",
}
VERDICTS: Final[Mapping[str, str]] = {
    "recovered": "recovered",
    "not_recovered": "not recovered",
    "unknown": "outcome unknown",
}
PAGE_STEPS: Final[Mapping[str, str]] = {
    "opened": "it opened",
    "reopened": "it fires again",
    "resumed": "its cause is over and it is not",
    "raised": "it got worse",
    "rollback-undone": "the rollback was not carried out",
    "rollback-held": "the rollback stopped half-way",
    "not-recovered": "it was rolled back and did not recover",
    "automatic": "Switchman rolls back by itself",
    "unproven": "it was rolled back and nobody knows whether that helped",
    "action-failed": "another page failed",
    "unreadable": "a message could not be read",
    "asked": "an approval is asked for",
    "reminder": "nobody had acknowledged",
    "joined": "more had joined",
    "release-undone": "the release was taken back",
    "release-held": "the release stopped half-way",
    "release-doubtful": "it was released and is not surely well",
    "data-failed": "the data rollback failed",
    "data-in-doubt": "nobody knows whether data was replaced",
    "handed-over": "it was moved to their lane",
    "escalated": "nobody had acknowledged",
    "after-hold": "it had been held back",
}


def parse(instant: str) -> datetime:
    """The instant of an ISO text."""
    return datetime.fromisoformat(instant)


def duration(seconds: float) -> str:
    """How long, as people say it, two units at most, which no line break parts."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f}{_SPACE}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + f"{_SPACE}s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}{_SPACE}s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = whole % big // small
    words = (str(whole // big), big_unit, *((str(rest), small_unit) if rest else ()))
    return _SPACE.join(words)


def utc(instant: str) -> str:
    """The instant to the second, with its date."""
    return f"{parse(instant).astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def short_utc(instant: str) -> str:
    """The instant to the minute."""
    return f"{parse(instant).astimezone(UTC):%-d %b %H:%M} UTC"


def time_of_day(instant: str) -> str:
    """The instant within its day, to the millisecond: what happened first must show."""
    return parse(instant).astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def seconds_between(start: str, end: str) -> float:
    """Seconds from one instant to the other."""
    return (parse(end) - parse(start)).total_seconds()


def split(targets: Sequence[Mapping[str, Any]], service: str) -> str:
    """A service's traffic split in words, without the lines that carry no traffic."""
    serving = [target for target in targets if target["percent"]]
    lines = (f"{t['percent']}{_SPACE}% {short(t['revision'], service)}" for t in serving)
    return ", ".join(lines) or "no traffic"


def web_address(text: str | None) -> str | None:
    """The text, if a link may lead there: alerts bring runbooks too, and some are no address."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.netloc else None
