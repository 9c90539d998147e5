"""A cause and its symptoms, through the store, the outbox and the ticks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from shared.domain.alert import Alert, AlertStatus
from shared.domain.incident import Incident
from shared.domain.incident_state import State
from shared.domain.policy import Policy
from tests.builders import MINUTE, NOON, SECOND, alert, policy
from tests.use_cases.senders import heard, pass_time
from tests.use_cases.world import World


def sign_in_needs_infra() -> Policy:
    """The shop's policy, in which sign-in needs the infrastructure."""
    rules = policy()
    auth = replace(rules.lanes["auth"], depends_on=("infra",))
    return replace(rules, lanes={**rules.lanes, "auth": auth})


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[World]:
    """A world with that policy."""
    world = World(tmp_path / "linked.db", rules=sign_in_needs_infra())
    with closing(world.store):
        yield world


def of(world: World, lane: str) -> Incident:
    """The lane's incident."""
    found = world.store.load("shop")[0].by_lane(lane)
    assert found is not None
    return found


def said(what: Alert, at: datetime) -> Alert:
    """The alert, published just now."""
    return replace(what, published_at=at)


def over(world: World, name: str, lane: str) -> Alert:
    """The alert has ended a second ago."""
    now = world.clock.now()
    ended = alert(name, lane=lane, status=AlertStatus.RESOLVED)
    return said(replace(ended, ends_at=now - SECOND), now)


def mentions(world: World) -> list[str]:
    """Who was paged, in order."""
    return [posted.card.mention for posted in world.chat.posted() if posted.card.severity]


def test_a_symptom_that_outlasts_its_cause_wakes_its_own_owner(linked: World) -> None:
    """One person is woken for both; the other only when the cause is over and it still fires."""
    heard(linked, said(alert(), NOON), said(alert("TokensFail", lane="auth"), NOON))
    pass_time(linked, 2 * MINUTE)
    assert mentions(linked) == ["U0BEN"]
    infra = of(linked, "infra").id
    assert linked.store.firing(infra) == 2
    heard(linked, over(linked, "ErrorsHigh", "infra"))
    pass_time(linked, 6 * MINUTE)
    assert mentions(linked) == ["U0BEN", "U0WES"]
    auth = of(linked, "auth")
    assert (linked.store.firing(infra), linked.store.firing(auth.id)) == (0, 1)
    assert of(linked, "infra").state is State.RESOLVED
    heard(linked, over(linked, "TokensFail", "auth"))
    pass_time(linked, 6 * MINUTE)
    assert of(linked, "auth").state is State.RESOLVED


def test_messages_that_come_twice_change_nothing(linked: World) -> None:
    """A symptom that is told again, before and after its cause is over, is counted once."""
    fires = said(alert("TokensFail", lane="auth"), NOON)
    heard(linked, said(alert(), NOON), fires, fires)
    heard(linked, over(linked, "ErrorsHigh", "infra"))
    pass_time(linked, 6 * MINUTE)
    heard(linked, fires, said(fires, linked.clock.now()))
    assert linked.store.firing(of(linked, "auth").id) == 1
    assert mentions(linked) == ["U0BEN", "U0WES"]
