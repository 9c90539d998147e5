"""Real incidents that once reached nobody: each is a story that ended in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from shared.domain.alert import AlertStatus
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import Verdict
from shared.domain.rollback_phase import Phase
from shared.wire.rejections import rejection
from tests.builders import BEN, MINUTE, alert, policy
from tests.fakes.chat import ChatFault, FakeChat
from tests.use_cases.world import World

HOUR = timedelta(hours=1)


def pass_time(world: World, minutes: int, step: int = 1) -> None:
    """Time goes by, with a tick and everything delivered every few minutes."""
    for _ in range(0, minutes, step):
        world.clock.advance(step * MINUTE)
        world.tick()
        world.deliver()


def posts(world: World) -> int:
    """How many messages stand in Slack."""
    return len(world.chat.posted())


def recovered(world: World) -> World:
    """The proposed rollback was approved, it helped, and the alert has ended."""
    world.presses(BEN, Choice.APPROVE)
    world.deliver()
    world.reports(alert(status=AlertStatus.RESOLVED))
    rollback = world.incident.rollback
    assert rollback is not None
    assert rollback.verdict is Verdict.RECOVERED
    return world


def test_an_alert_after_the_rollback_took_effect_is_news(proposed: World) -> None:
    """People were told that it recovered: what fires after that pages again."""
    world = recovered(proposed)
    before = posts(world)
    world.clock.advance(MINUTE)
    world.reports(alert("BrokenByTheRollback", starts_at=world.clock.now()))
    world.deliver()
    assert posts(world) == before + 1
    assert (world.incident.state, world.incident.pages[-1].step) == (
        State.OPEN,
        PageStep.NOT_RECOVERED,
    )


def test_a_rollback_that_did_not_hold_is_news(proposed: World) -> None:
    """The same series fires anew while the incident is being checked for resolution."""
    world = recovered(proposed)
    world.clock.advance(2 * MINUTE)
    world.tick()
    world.deliver()
    assert world.incident.state is State.RESOLVING
    before = posts(world)
    world.reports(alert(starts_at=world.clock.now()))
    world.deliver()
    assert (posts(world), world.incident.state) == (before + 1, State.OPEN)


def test_an_incident_nobody_acknowledges_is_paged_about_again(world: World) -> None:
    """After a quarter of an hour, then half an hour, and so on, until somebody has it."""
    world.reports(alert())
    pass_time(world, 46)
    assert posts(world) == 3
    world.presses(BEN, Choice.ACKNOWLEDGE)
    pass_time(world, 120, 10)
    assert posts(world) == 3


def test_a_reopening_without_a_page_of_its_own_is_reminded_of(world: World) -> None:
    """It fires again so soon after its page that none is sent; unacknowledged, one follows."""
    world.reports(alert())
    world.reports(alert(status=AlertStatus.RESOLVED))
    pass_time(world, 5)
    assert world.incident.state is State.RESOLVED
    before = posts(world)
    world.reports(alert(starts_at=world.clock.now()))
    pass_time(world, 16)
    assert posts(world) > before


def test_a_new_outage_that_joins_an_old_incident_is_paged(world: World) -> None:
    """An incident that never ended, because a sender never said so, does not swallow the next."""
    world.reports(alert())
    world.deliver()
    world.presses(BEN, Choice.ACKNOWLEDGE)
    pass_time(world, 7 * 24 * 60, 60)
    before = posts(world)
    world.reports(alert("AnotherOutage", starts_at=world.clock.now()))
    world.deliver()
    assert posts(world) == before + 1


def test_another_unknown_alert_in_triage_is_paged_soon(world: World) -> None:
    """Nobody knows yet whether the two are one thing: the second is paged when the first is old."""
    world.reports(alert(lane="triage"))
    world.deliver()
    world.presses(BEN, Choice.ACKNOWLEDGE)
    before = posts(world)
    world.clock.advance(MINUTE)
    world.reports(alert("SomethingElse", lane="triage"))
    world.reports(alert("AndAnother", lane="triage"))
    pass_time(world, 10)
    assert posts(world) == before + 1


def test_slack_away_for_half_an_hour(world: World) -> None:
    """The page stands there in the end: it is tried for hours, not for minutes."""
    world.reports(alert())
    for _ in range(30):
        world.chat.order(*[ChatFault.AWAY] * 4)
        world.clock.advance(MINUTE)
        world.tick()
        world.deliver_once()
    pass_time(world, 60, 5)
    assert posts(world)


def test_one_person_on_call_for_all_teams_and_a_misspelt_channel(tmp_path: Path) -> None:
    """The page goes to a channel that exists, whoever is on call there."""
    rules = policy()
    teams = {
        key: replace(team, on_call="ben", members=("ben",)) for key, team in rules.teams.items()
    }
    world = World(tmp_path / "db", replace(rules, teams=teams))
    world.chat = FakeChat(world.clock, frozenset({"runtime", "web"}))
    world.act = world.acting(world.traffic, world.chat)
    world.reports(alert())
    world.deliver()
    world.store.close()
    assert world.chat.posted()


def test_the_same_rubbish_pages_each_day_anew(world: World) -> None:
    """Once for each source and day, although the message is the same."""
    for day in range(1, 4):
        world.receive.reject(rejection("alertmanager", "no JSON", b"{{"))
        world.deliver()
        assert len(world.store.rejected()) == day
        world.clock.advance(24 * HOUR)
    assert posts(world) == 3


def test_a_page_outlives_its_incident(world: World) -> None:
    """It was over before the page went out; that there was an incident is told all the same."""
    world.reports(alert())
    world.reports(alert(status=AlertStatus.RESOLVED))
    for _ in range(50):
        world.clock.advance(MINUTE)
        world.tick()
    world.deliver()
    assert posts(world)


def test_a_plan_that_expired_is_made_anew_while_it_fires(proposed: World) -> None:
    """Whoever wakes up late finds a button that works."""
    pass_time(proposed, 8 * 60, 5)
    rollback = proposed.incident.rollback
    assert rollback is not None
    assert rollback.phase is Phase.PROPOSED
    proposed.presses(BEN, Choice.APPROVE)
    proposed.deliver()
    assert proposed.incident.state is State.MITIGATED


def test_a_reminder_due_during_the_check_is_not_lost(world: World) -> None:
    """It falls into the time in which the incident is being checked; it fires again, and is sent."""
    world.reports(alert())
    pass_time(world, 12)
    world.reports(alert(status=AlertStatus.RESOLVED))
    pass_time(world, 3)
    assert world.incident.state is State.RESOLVING
    world.reports(alert(starts_at=world.clock.now()))
    before = posts(world)
    pass_time(world, 40)
    assert posts(world) > before
