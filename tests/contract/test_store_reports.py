"""What every store tells people: incidents, their story, drills."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.domain.decision import DrillRow, IncidentRow, RejectedRow
from shared.domain.errors import Conflict
from shared.domain.incident_state import State
from shared.domain.recording import Recorded
from shared.domain.rollback import NoPlan
from shared.domain.stack import Stack
from shared.ports import IncidentView, Store
from tests.contract.store_contract import (
    STORES,
    alert_row,
    at,
    audited,
    commit,
    incident,
    line,
    open_store,
    put,
    shop,
)
from tests.fakes.clock import ManualClock


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    with open_store(request, tmp_path, ManualClock(at(0))) as opened:
        yield opened


def drill(number: int) -> DrillRow:
    """A drill that failed."""
    return DrillRow(
        id=f"drill-{number}",
        stack="shop",
        drill="rollback",
        at=at(number),
        passed=False,
        text="nothing to roll back to",
        plan=NoPlan(reason="one revision only"),
    )


def test_nothing_to_report(store: Store) -> None:
    """An empty store has no incidents, no story and no drills."""
    assert store.incidents() == ()
    assert store.incident("shop-0000000001") is None
    assert store.timeline("shop-0000000001") == ()
    assert store.drills() == ()
    assert store.rejected() == ()
    assert store.audit() == ()


def test_open_incident_is_read_from_the_head(store: Store) -> None:
    """An open incident is the head's, with all alerts counted that it ever had."""
    put(store, "e1", shop(), rows=(alert_row(1), alert_row(2)))
    view = IncidentView(incident=incident(), alerts=2)
    assert store.incident(incident().id) == view
    assert store.incidents() == (view,)


def test_closed_incident_is_read_from_its_row(store: Store) -> None:
    """An incident that left the head is still there to read."""
    closed = incident(1, state=State.RESOLVED, resolved_at=at(9))
    put(store, "e1", shop(), rows=(alert_row(1),))
    put(store, "e2", Stack(id="shop"), rows=(IncidentRow(incident=closed),))
    view = IncidentView(incident=closed, alerts=1)
    assert store.incident(closed.id) == view
    assert store.incidents() == (view,)


def test_incidents_come_newest_first(store: Store) -> None:
    """Open and closed ones of all stacks in one list."""
    put(store, "e1", shop(incident(2)), rows=(IncidentRow(incident=incident(1)),))
    put(store, "e2", Stack(id="mail", incidents=(incident(3, "mail"),)))
    ids = [incident(3, "mail").id, incident(2).id, incident(1).id]
    assert [view.incident.id for view in store.incidents()] == ids


def test_an_open_incident_is_never_cut_off(store: Store) -> None:
    """Of closed ones as many are listed as asked for; an old open one stays in the list."""
    closed = tuple(IncidentRow(incident=incident(number)) for number in (2, 3, 4))
    put(store, "e1", shop(incident(1)), rows=closed)
    found = [view.incident.id for view in store.incidents(limit=1)]
    assert found == [incident(4).id, incident(1).id]


def test_heads_are_listed(store: Store) -> None:
    """Every stack's head as it is, with its writes where the store counts them."""
    put(store, "e1", shop(incident(1)))
    put(store, "e2", shop(incident(1), incident(2, lane="auth")))
    (head,) = store.heads()
    assert head.stack == shop(incident(1), incident(2, lane="auth"))
    assert head.writes in (2, None)


def test_story_is_in_order(store: Store) -> None:
    """By time; what happened at the same instant stays as it was written."""
    put(store, "e1", rows=(line("b", 2), line("a", 2), line("x", 2, of="other-0")))
    put(store, "e2", rows=(line("first", 1), line("0", 2)))
    assert [row.id for row in store.timeline(incident().id)] == ["first", "b", "a", "0"]


def test_received_alerts_come_by_their_start(store: Store) -> None:
    """Those that began in the time asked for, its end not included, firing or ended."""
    rows = [alert_row(n, starts_at=at(n), series="s") for n in (3, 1, 2, 4)]
    put(store, "e1", rows=rows)
    assert [row.id for row in store.received(at(1), at(4))] == ["alert-1", "alert-2", "alert-3"]
    assert store.received(at(1), at(2)) == (rows[1],)


def test_received_alerts_come_in_portions(store: Store) -> None:
    """What comes after an alert goes on where the last portion ended, also within one instant."""
    rows = [alert_row(n, starts_at=at(1 if n < 4 else 2), series="s") for n in (1, 2, 3, 4)]
    put(store, "e1", rows=rows)
    first = store.received(at(0), at(9), limit=2)
    second = store.received(at(0), at(9), after=first[-1], limit=2)
    assert [*first, *second] == rows
    assert store.received(at(0), at(9), after=second[-1]) == ()


def test_received_alert_is_as_it_was_told(store: Store) -> None:
    """What classification needs of an alert comes back with its row."""
    recorded = Recorded(source="grafana", fingerprint="f", annotations={"summary": "it lags"})
    put(store, "e1", rows=(alert_row(1, recorded=recorded),))
    (row,) = store.received(at(0), at(1))
    assert row.recorded == recorded
    assert row.again().annotations == {"summary": "it lags"}


def test_drills_come_newest_first(store: Store) -> None:
    """Drills come back as written, the latest first, as many as asked for."""
    put(store, "e1", rows=(drill(1), drill(3), drill(2)))
    assert store.drills() == (drill(3), drill(2), drill(1))
    assert store.drills(limit=1) == (drill(3),)


def test_rejected_messages_come_newest_first(store: Store) -> None:
    """What could not be read is kept with its reason, the latest first."""
    early, late = (
        RejectedRow(id=f"r{n}", source="am", at=at(n), reason="no JSON", snippet="<html>")
        for n in (1, 2)
    )
    put(store, "e1", rows=(early, late))
    assert store.rejected() == (late, early)
    assert store.rejected(limit=1) == (late,)


def test_audit_comes_newest_first(store: Store) -> None:
    """What people told us to do comes back as written, the latest first, as many as asked for."""
    put(store, "e1", shop(), rows=(audited("i1", 1), audited("i3", 3)))
    put(store, "e2", rows=(audited("i2", 2),))
    assert store.audit() == (audited("i3", 3), audited("i2", 2), audited("i1", 1))
    assert store.audit(limit=1) == (audited("i3", 3),)


def test_audit_is_never_rewritten(store: Store) -> None:
    """A second row for an instruction is a race, and the first one stays."""
    put(store, "e1", rows=(audited("i1", 1),))
    with pytest.raises(Conflict):
        store.commit(commit("e2", rows=(audited("i1", 2),)), "")
    assert store.audit() == (audited("i1", 1),)
