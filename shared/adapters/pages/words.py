"""Times and short phrases for people. Instants come as the ISO texts of the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

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
VERDICTS: Final[Mapping[str, str]] = {
    "recovered": "recovered",
    "not_recovered": "not recovered",
    "unknown": "outcome unknown",
}
PAGE_STEPS: Final[Mapping[str, str]] = {
    "opened": "it opened",
    "reopened": "it fires again",
    "raised": "it got worse",
    "rollback-undone": "the rollback was not carried out",
    "rollback-held": "the rollback stopped half-way",
    "not-recovered": "it was rolled back and did not recover",
    "action-failed": "another page failed",
}


def parse(instant: str) -> datetime:
    """The instant of an ISO text."""
    return datetime.fromisoformat(instant)


def duration(seconds: float) -> str:
    """How long, as people say it, two units at most."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = whole % big // small
    return f"{whole // big} {big_unit}" + (f" {rest} {small_unit}" if rest else "")


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


def split(targets: list[dict[str, Any]]) -> str:
    """A traffic split in words, without the lines that carry no traffic."""
    lines = [f"{target['percent']} % {target['revision']}" for target in targets]
    serving = [line for line, target in zip(lines, targets, strict=True) if target["percent"]]
    return ", ".join(serving) or "no traffic"


def web_address(text: str | None) -> str | None:
    """The text, if a link may lead there: alerts bring runbooks too, and some are no address."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.netloc else None
