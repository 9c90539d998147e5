"""What a sender tells becomes an event once it is known what it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from shared.domain import retention
from shared.domain.alert import Alert, AlertStatus
from shared.domain.event import MOST_ENDED, AlertReceived
from shared.domain.lane import Classification
from shared.domain.series import last_incident, place, said_within
from shared.ports import Heads, Recalled, Series

MOST_LOOKED_AT: Final = 20
"""Rows of a series, the newest first, among which a "firing" finds its place; a "resolved" looks
at as many as it can end."""


def looked_at(alert: Alert) -> int:
    """How many rows of its series are looked at."""
    return MOST_ENDED if alert.status is AlertStatus.RESOLVED else MOST_LOOKED_AT


def names_one_message(alert: Alert) -> bool:
    """Whether the event's id is that of a single message, so that having seen it settles it.

    An alert that does not tell when it was published may be about another time of firing than
    the one its id names; and an end may have more to end than one commit could.
    """
    return alert.status is AlertStatus.FIRING and alert.published_at is not None


def with_older(alert: Alert, known: Recalled, heads: Heads) -> Series:
    """What is known of the series.

    With the alert's own row, and for an end what else fires, where they are not among `rows`.
    """
    ids = {row.id for row in known.rows}
    older = [] if known.own is None or known.own.id in ids else [known.own]
    if alert.status is AlertStatus.RESOLVED and len(known.rows) == MOST_ENDED:
        ids.add(alert.row_id)
        incident = next((row.incident for row in known.rows if row.incident), "")
        fires = heads.firing_rows(incident, MOST_ENDED)
        older += [row for row in fires if row.series == alert.series and row.id not in ids]
    limit = looked_at(alert)
    return Series(id=alert.series, limit=limit, rows=known.rows, older=tuple(older))


def placed(alert: Alert, found: Classification, series: Series, now: datetime) -> AlertReceived:
    """The event: which time of firing the message is about."""
    told = place(alert, (*series.rows, *series.older), now)
    recent = told.row is not None or said_within(retention.EVENTS, alert, now)
    return AlertReceived(
        alert=told.alert,
        row=told.row,
        classification=found,
        overtaken_by=told.overtaken_by,
        resumed=told.resumed,
        ends=told.ends,
        more=told.more,
        over=told.over,
        last=last_incident(series.rows),
        again="" if recent else f"{now:%Y%m%d}",
    )
