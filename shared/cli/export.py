"""`switchman incidents export`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from shared.cli.common import application, err, fail

if TYPE_CHECKING:
    from shared.domain.alert import Alert, AlertRow
    from shared.domain.policy import Policy
    from shared.ports import Store

Moment = Annotated[str, typer.Option(help="An instant (2026-03-01T12:00:00Z) or an age (7d, 12h).")]
Heard = tuple[datetime, "Alert"]


def export(since: Moment = "30d", until: Moment = "0s") -> None:
    """Alerts as they were received, one a line, without secrets and personal data.

    Those that began in the time asked for. `switchman policy diff` and `classify` read them.
    """
    from shared.wire.recording import line
    from shared.wire.redaction import Redaction

    switchman = application()
    now = switchman.clock.now()
    rows = _rows(switchman.store, _instant(since, now), _instant(until, now))
    shown_rows = track(rows, "Alerts", console=err, transient=True, total=None)
    heard = sorted((each for row in shown_rows for each in _messages(row)), key=_at)
    redaction = Redaction()
    shown = [(at, redaction.alert(alert)) for at, alert in heard]
    for at, alert in shown:
        print(line(alert, at))
    _say_what_changed(switchman.policy, heard, shown)


def _instant(text: str, now: datetime) -> datetime:
    from shared.policy.durations import DURATION_TEXT, parse_duration
    from shared.wire.instants import from_rfc3339

    try:
        if DURATION_TEXT.fullmatch(text):
            return now - parse_duration(text)
        found = from_rfc3339(text)
    except (ValueError, OverflowError):
        found = None
    right = f"an age such as 7d, or an instant such as {now:%Y-%m-%dT%H:%M:%SZ}"
    return found or fail(f"{text!r} is no time; say {right}")


def _rows(store: Store, since: datetime, until: datetime) -> Iterator[AlertRow]:
    """Every alert that began in this time, a portion at a time."""
    rows = store.received(since, until)
    while rows:
        yield from rows
        rows = store.received(since, until, after=rows[-1])


def _messages(row: AlertRow) -> Iterator[Heard]:
    """What was heard of it: that it fires, and that it has ended."""
    from shared.domain.alert import AlertStatus

    alert = row.again()
    over = row.status is AlertStatus.RESOLVED
    if not over or row.incident:
        yield row.received_at, replace(alert, status=AlertStatus.FIRING, ends_at=None)
    if over:
        yield max(row.received_at, row.heard_at or row.ends_at or row.received_at), alert


def _at(heard: Heard) -> datetime:
    return heard[0]


def _say_what_changed(policy: Policy, heard: list[Heard], shown: list[Heard]) -> None:
    """How much there is, and whether leaving things out made a difference to the routes."""
    from shared.domain.classify import classify

    pairs = zip(heard, shown, strict=True)
    otherwise = sum(
        classify(policy, before).lane != classify(policy, after).lane
        for (_, before), (_, after) in pairs
    )
    err.print(f"{len(shown)} messages of alerts.", markup=False)
    if otherwise:
        err.print(f"{otherwise} go to another lane without what was left out.", markup=False)
