"""What a message about a series means, in whatever order the messages of the series arrive.

A series is all alerts of the same labels from the same source. Each time it fires is a row of
its own, which ends once. Messages come late, twice and in any order, and the time at which each
was published tells which of two was said last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.alert import Alert, AlertRow, AlertStatus
from shared.domain.event import MOST_ENDED

OVERTAKEN_FOR: Final = timedelta(minutes=5)
"""How near to its own end a firing message is taken for overtaken, where nobody knows when the
two were published."""

_NEXT: Final = timedelta(microseconds=1)
_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message in its place: the time of firing it is about, and that row if there is one.

    `overtaken_by` is the row whose end was said after this "firing", which therefore changes
    nothing. `resumed`: the sender gives a start whose end was told, so that nobody knows since
    when it fires again. `ends` are the firing rows that end with this "resolved", as many as one
    event can end, and `more` says that there are others. `over` are the ids of all rows of the
    series, where none of them fires: with this end any more, or until it was resumed.
    """

    alert: Alert
    row: AlertRow | None = None
    overtaken_by: AlertRow | None = None
    resumed: bool = False
    ends: tuple[AlertRow, ...] = ()
    more: bool = False
    over: tuple[str, ...] = ()


def place(alert: Alert, rows: Iterable[AlertRow], now: datetime) -> Told:
    """What the message is about, given the rows of its series, the newest start first."""
    known = tuple(rows)
    own = next((row for row in known if row.id == alert.row_id), None)
    if alert.status is AlertStatus.RESOLVED:
        return _resolved(alert, own, known, now)
    return _firing(alert, own, known, now)


def said_later(alert: Alert, row: AlertRow) -> bool:
    """Whether the message was published after the last one that the row knows of."""
    if alert.published_at is None:
        return False
    return row.heard_at is None or alert.published_at > row.heard_at


def said_within(duration: timedelta, alert: Alert, now: datetime) -> bool:
    """Whether the message is no older than this; what it is about may have started before."""
    return now - (alert.published_at or alert.starts_at) <= duration


def last_incident(rows: Iterable[AlertRow]) -> str:
    """The incident of a series' newest row that has one; the newest row comes first."""
    return next((row.incident for row in rows if row.incident), "")


def _firing(alert: Alert, own: AlertRow | None, rows: tuple[AlertRow, ...], now: datetime) -> Told:
    """A repeat, a message that an end overtook, or a new time of firing.

    A sender that lost sight of a series says that it has ended and later, with the same start,
    that it fires. That is a time of its own, which starts where the last one ended.
    """
    if own is not None and own.status is AlertStatus.FIRING:
        return Told(alert=alert, row=own)
    for row in rows:
        if _overtook(row, alert, own, now):
            return Told(alert=alert, row=own, overtaken_by=row)
    if own is None:
        return Told(alert=alert)
    firing = next((row for row in rows if row.status is AlertStatus.FIRING), None)
    start = firing.starts_at if firing else _after(rows, now)
    alert = replace(alert, starts_at=start)
    if firing is not None:
        return Told(alert=alert, row=firing)
    return Told(alert=alert, resumed=True, over=tuple(row.id for row in rows))


def _overtook(row: AlertRow, alert: Alert, own: AlertRow | None, now: datetime) -> bool:
    """Whether the row ended, at or after this start, with words said after this message's."""
    ended = row.ends_at or row.heard_at or row.received_at
    if row.status is AlertStatus.FIRING or (row != own and ended < alert.starts_at):
        return False
    if row.heard_at is not None and alert.published_at is not None:
        return alert.published_at <= row.heard_at
    return own is not None and abs(now - ended) < OVERTAKEN_FOR


def _after(rows: Iterable[AlertRow], now: datetime) -> datetime:
    """The moment after all that the sender said of them: its clock may be another than ours.

    Now, where a sender's clock has reached the end of time.
    """
    last = max(max(row.starts_at, row.ends_at or row.starts_at) for row in rows)
    return last + _NEXT if last < _END_OF_TIME else now


def _resolved(
    alert: Alert, own: AlertRow | None, rows: tuple[AlertRow, ...], now: datetime
) -> Told:
    """The end of everything that fires, unless it started later or was confirmed later."""
    ends_at = alert.ends_at or alert.published_at or now
    alert = replace(alert, ends_at=ends_at)
    firing = tuple(row for row in rows if row.status is AlertStatus.FIRING)
    every = tuple(
        row
        for row in firing
        if (row == own or row.starts_at <= ends_at) and not _confirmed_since(row, alert)
    )
    ends = every[:MOST_ENDED]
    if ends and own is not None and own not in ends:
        own = ends[0]
        alert = replace(alert, starts_at=own.starts_at)
    over = tuple(row.id for row in rows) if ends == firing else ()
    return Told(alert=alert, row=own, ends=ends, more=len(every) > MOST_ENDED, over=over)


def _confirmed_since(row: AlertRow, alert: Alert) -> bool:
    """Whether a later message than this one has said that the row fires."""
    if row.heard_at is None or alert.published_at is None:
        return False
    return row.heard_at > alert.published_at
