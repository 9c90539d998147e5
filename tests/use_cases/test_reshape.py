"""What people type about incidents takes effect, on the real store: merge, split, lane, severity."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.alert import AlertStatus
from shared.domain.incident import Incident
from shared.domain.incident_report import incident_markdown
from shared.domain.incident_state import State
from shared.domain.retention import RESOLVED_ALERTS
from shared.domain.severity import Severity
from tests.builders import MINUTE, WES, alert
from tests.use_cases.test_desk import FrontDesk
from tests.use_cases.world import World

MANY = 450
"""More alerts than one commit of Firestore's could move."""


@pytest.fixture
def desk(tmp_path: Path) -> FrontDesk:
    """An incident in lane auth and one in triage, each with a page that was sent."""
    world = World(tmp_path / "switchman.db")
    world.reports(alert("SignInFails", lane="auth", severity=Severity.SEV3))
    world.reports(alert("Odd", lane="triage", severity=Severity.SEV3))
    world.deliver()
    return FrontDesk(world)


def of_lane(desk: FrontDesk, lane: str) -> Incident:
    """The incident that deals with the lane."""
    found = desk.world.stack.by_lane(lane)
    assert found is not None
    return found


def does(desk: FrontDesk, text: str, who: str = WES) -> str:
    """A person types it, and it takes effect; what they were answered at once."""
    answer = desk.says(text, who)
    desk.follow()
    return answer


def time_passes(desk: FrontDesk) -> None:
    """Long enough for what does not fire to be looked at twice."""
    for _ in range(3):
        desk.world.clock.advance(desk.world.policy.timing.settle)
        desk.world.tick()
        desk.world.deliver()


def test_two_incidents_become_one_however_many_alerts_they_have(desk: FrontDesk) -> None:
    """All alerts count for the one that stays, which is resolved when none of them fires."""
    world = desk.world
    names = [f"Odd{number}" for number in range(MANY)]
    for name in names:
        world.reports(alert(name, lane="triage", severity=Severity.SEV3))
    one, into = of_lane(desk, "triage"), of_lane(desk, "auth")
    does(desk, f"merge {one.id} {into.id}")
    view = world.store.incident(into.id)
    assert view is not None
    assert view.alerts == MANY + 2
    world.reports(alert("SignInFails", lane="auth", status=AlertStatus.RESOLVED))
    for name in names:
        world.reports(alert(name, lane="triage", status=AlertStatus.RESOLVED))
    time_passes(desk)
    assert of_lane(desk, "auth").state is not State.RESOLVED
    world.reports(alert("Odd", lane="triage", status=AlertStatus.RESOLVED))
    time_passes(desk)
    assert of_lane(desk, "auth").state is State.RESOLVED


def test_the_messages_of_what_was_merged_say_where_it_went(desk: FrontDesk) -> None:
    """Its card in Slack is redrawn: no button, and where to look."""
    one, into = of_lane(desk, "triage"), of_lane(desk, "auth")
    does(desk, f"merge {one.id} {into.id}")
    card = next(p.card for p in desk.world.chat.posted() if p.card.subject == one.id)
    assert (card.status, card.choices) == (f"Merged into {into.id}", ())


def test_a_merge_is_taken_back_by_name(desk: FrontDesk) -> None:
    """What was merged is an incident of its own again, with its alerts."""
    one, into = of_lane(desk, "triage"), of_lane(desk, "auth")
    does(desk, f"merge {one.id} {into.id}")
    does(desk, f"split {into.id} {one.id}")
    again = of_lane(desk, "triage")
    views = {view.incident.id: view.alerts for view in desk.world.store.incidents()}
    assert (again.split_from, views[again.id], views[into.id]) == (into.id, 1, 1)


def test_an_alert_is_split_off_by_its_title(desk: FrontDesk) -> None:
    """Its row belongs to the new incident, and its end ends that one."""
    world = desk.world
    world.reports(alert("QueueGrows", lane="auth", severity=Severity.SEV3))
    auth = of_lane(desk, "auth")
    does(desk, f"split {auth.id} data QueueGrows")
    data = of_lane(desk, "data")
    assert (world.store.firing(data.id), world.store.firing(auth.id)) == (1, 1)
    world.reports(alert("QueueGrows", lane="auth", status=AlertStatus.RESOLVED))
    time_passes(desk)
    assert of_lane(desk, "data").state is State.RESOLVED
    assert of_lane(desk, "auth").state is State.OPEN


def test_a_filed_incident_keeps_its_count_when_its_alerts_are_forgotten(desk: FrontDesk) -> None:
    """Rows of resolved alerts are pruned after a month, and people still read how many there were."""
    world = desk.world
    auth = of_lane(desk, "auth").id
    for name, lane in (("SignInFails", "auth"), ("Odd", "triage")):
        world.reports(alert(name, lane=lane, status=AlertStatus.RESOLVED))
    time_passes(desk)
    world.clock.advance(world.policy.timing.reopen_window + MINUTE)
    world.tick()
    assert world.stack.incident(auth) is None
    world.clock.advance(RESOLVED_ALERTS + MINUTE)
    world.tick()
    assert world.store.alerts(auth) == 0
    view = world.store.incident(auth)
    assert view is not None
    assert view.alerts == 1


def test_lane_and_severity_are_typed(desk: FrontDesk) -> None:
    """The answer says who is paged; the incident is as it was said."""
    one = of_lane(desk, "triage").id
    assert "Ben is paged in #infra" in does(desk, f"lane {one} infra")
    does(desk, f"severity {one} SEV1 nobody can pay", WES)
    found = of_lane(desk, "infra")
    assert (found.id, found.severity) == (one, Severity.SEV1)


def test_a_note_stands_in_the_report_without_its_secret(desk: FrontDesk) -> None:
    """Neither the stored instruction nor the audit, the timeline or the report has the password."""
    world = desk.world
    auth = of_lane(desk, "auth")
    does(desk, f"note {auth.id} logged in with password=hunter2hunter2 and restarted it")
    timeline = world.store.timeline(auth.id)
    report = incident_markdown(world.policy, auth, 1, timeline)
    assert "## Notes" in report
    assert "and restarted it" in report
    (row,) = world.store.audit()
    stored = world.store.instruction(row.id)
    assert stored is not None
    for text in (report, row.asked, stored.text):
        assert "hunter2" not in text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("merge", "Say which incident"),
        ("merge AUTH", "Say which incident"),
        ("merge AUTH nothing", "There is no incident `nothing`"),
        ("merge AUTH AUTH and more", "nothing more is expected"),
        ("split AUTH", "Say which alerts"),
        ("split AUTH data", "Say which alerts"),
        ("lane AUTH", "Say which lane"),
        ("lane AUTH kitchen", "There is no lane `kitchen`"),
        ("severity AUTH", "Say how bad it is"),
        ("severity AUTH sev9 why", "There is no severity `sev9`"),
        ("severity AUTH sev1", "Say why"),
        ("note AUTH", "Say what to note"),
    ],
)
def test_what_is_typed_wrongly_is_answered_with_what_would_be_right(
    desk: FrontDesk, typed: str, told: str
) -> None:
    """Nothing is stored, and the person reads how it is spelt."""
    assert told in desk.says(typed.replace("AUTH", of_lane(desk, "auth").id))
    assert desk.world.store.audit() == ()
