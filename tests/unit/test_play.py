"""Playing a timeline: the real decisions, on a clock that is set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.app.play.play import LONGEST, Play
from shared.bootstrap.play import play
from shared.domain.action import ActionKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice
from shared.domain.play import (
    Asked,
    CloudRunSet,
    Deployed,
    Ended,
    HealthChanged,
    PlayEnds,
    Step,
    Told,
    TrafficMoved,
    What,
)
from shared.domain.rollback import Verdict
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import BACKEND, MINUTE, NOON, alert, policy

BAD = Deployed(service=BACKEND, healthy=False)


def steps(*whats: tuple[float, What]) -> tuple[Step, ...]:
    """What happens, each so many minutes after noon."""
    return tuple(Step(at=NOON + MINUTE * minutes, what=what) for minutes, what in whats)


def fires(minutes: float, name: str = "ErrorsHigh", lane: str = "infra") -> tuple[float, What]:
    """An alert of the lane fires then."""
    return minutes, Told(alert=alert(name, lane=lane, starts_at=NOON + MINUTE * minutes))


def played(*whats: tuple[float, What]) -> Play:
    """The timeline, played to its end."""
    made = play(policy(), steps(*whats), NOON)
    made.run()
    return made


def said(of: Play, kind: str) -> Sequence[tuple[float, str]]:
    """The lines of this kind, with the minutes after noon."""
    return [((x.at - NOON) / MINUTE, x.text) for x in of.course.lines if x.kind == kind]


def test_page_is_delivered_at_once() -> None:
    """The page of an alert is decided and delivered at the alert's instant."""
    (incident,) = played(fires(3), (4, PlayEnds())).incidents()
    assert [(page.person, page.sent_at) for page in incident.pages] == [("ben", NOON + 3 * MINUTE)]


def test_nobody_reacts_and_is_reminded() -> None:
    """Timers fire when they are due: each reminder after twice as long as the one before."""
    found = played(fires(0), (240, PlayEnds()))
    times = [minutes for minutes, text in said(found, "page") if text.endswith("reminder")]
    assert times == [15, 45, 105, 225]


def test_play_goes_on_for_no_longer_than_a_day() -> None:
    """What never ends is played for a day after the last entry."""
    found = played(fires(0))
    assert found.course.clock.now() == NOON + LONGEST


def test_nothing_happens_after_the_end() -> None:
    """An entry after the end of the play is not played."""
    assert played((1, PlayEnds()), fires(2)).incidents() == ()


def test_approved_rollback_takes_as_long_as_cloud_run_does() -> None:
    """The plan goes back to the revision before; its end comes after the time that it takes."""
    found = played(
        (0, CloudRunSet(service=BACKEND, takes=timedelta(seconds=40))),
        (0, BAD),
        fires(5),
        (6, Asked(by="ben", choice=Choice.APPROVE)),
        (9, Ended(labels={"lane": "infra"})),
        (20, PlayEnds()),
    )
    (incident,) = found.incidents()
    rollback = incident.rollback
    assert rollback is not None
    assert rollback.plan is not None
    targets = {each.service: each.to_revision for each in rollback.plan.services}
    assert targets[BACKEND] == f"{BACKEND}-00002"
    assert rollback.rto_seconds == pytest.approx(40)
    assert rollback.verdict is Verdict.RECOVERED
    assert incident.state is State.RESOLVED


def test_what_happens_during_a_change_happens_meanwhile() -> None:
    """A press while traffic moves is refused as it would be, and not after the change."""
    found = played(
        (0, CloudRunSet(service=BACKEND, takes=timedelta(seconds=60))),
        (0, BAD),
        fires(5),
        (6, Asked(by="ben", choice=Choice.APPROVE)),
        (6.5, Asked(by="eve", choice=Choice.REJECT)),
        (20, PlayEnds()),
    )
    (_, approved), (_, rejected) = said(found, "asked")
    assert "carried out" in approved
    assert "refused" in rejected
    ((moved, _), _) = said(found, "service_moved")
    assert moved > 7


def test_cloud_run_that_refuses_leaves_traffic_alone() -> None:
    """A service that takes no change ends the wish for a rollback, and the reason is told."""
    found = played(
        (0, CloudRunSet(service=BACKEND, refuses=True)), (0, BAD), fires(5), (6, PlayEnds())
    )
    (incident,) = found.incidents()
    assert incident.rollback is not None
    assert incident.rollback.phase is Phase.UNAVAILABLE
    assert "refuses" in incident.rollback.why_not


def test_health_that_stays_away_is_no_recovery() -> None:
    """A service whose checks fail whatever serves is not said to have recovered."""
    found = played(
        (0, HealthChanged(service=BACKEND, passes=False)),
        fires(5),
        (6, Asked(by="ben", choice=Choice.APPROVE)),
        (15, PlayEnds()),
    )
    (incident,) = found.incidents()
    assert incident.rollback is not None
    assert incident.rollback.verdict is Verdict.NOT_RECOVERED


def test_person_who_moves_traffic_latches_the_service() -> None:
    """The minute's look finds a change by hand, and the story of the incident tells of it."""
    found = played(
        fires(0),
        (2, TrafficMoved(service=BACKEND, revision=f"{BACKEND}-00001", by="eve@shop")),
        (4, PlayEnds()),
    )
    assert any("eve@shop" in text for _, text in said(found, "latched"))


def test_same_timeline_gives_the_same_lines() -> None:
    """Two plays of one timeline agree in every line."""
    told = (
        (0.0, BAD),
        fires(5),
        fires(5, "TokensFail", lane="auth"),
        (7.0, Asked(by="ben", choice=Choice.APPROVE)),
    )
    assert played(*told).course.lines == played(*told).course.lines


def test_repeated_alert_changes_nothing() -> None:
    """A sender repeats what still fires, and nobody is woken by that."""
    (incident,) = played(fires(0), fires(0), (1, PlayEnds())).incidents()
    assert len(incident.pages) == 1


def test_word_of_a_person_is_about_the_incident_that_paged_them() -> None:
    """Of two open incidents, who acknowledges means the one that they were paged about."""
    found = played(
        fires(0, lane="auth"),
        fires(1, lane="infra"),
        (2, Asked(by="wes", choice=Choice.ACKNOWLEDGE)),
        (3, PlayEnds()),
    )
    by_lane = {each.lane: each.acknowledged_by for each in found.incidents()}
    assert by_lane == {"auth": "wes", "infra": ""}


def test_declared_incident_needs_no_alert() -> None:
    """A person declares an incident, and its owner is paged."""
    asked = Asked(by="ana", choice=Choice.DECLARE, lane="auth", stack="shop", text="no sign-in")
    (incident,) = played((0, asked), (1, PlayEnds())).incidents()
    assert [page.person for page in incident.pages] == ["wes"]


def test_every_kind_of_action_can_be_played() -> None:
    """Whatever Switchman can decide to do, a play knows how that ends."""
    performers = play(policy(), (), NOON).course.performers
    assert set(performers) == set(ActionKind)


def test_alert_says_what_it_led_to() -> None:
    """Each alert of the play has its classification, its reason and its incident."""
    found = played(fires(0), (1, PlayEnds()))
    ((answered, incident),) = zip(found.answered, found.incidents(), strict=True)
    assert (answered.incident, answered.found.lane) == (incident.id, "infra")
    assert answered.found.severity is Severity.SEV2
