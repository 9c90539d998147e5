"""What an alert changes: it opens, joins or reopens an incident, and never resolves one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.action import ActionKind, GaveUp, PageOrder
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.decision import IncidentRow, Reason
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import BEN, MINUTE, NOON, SECOND, alert
from tests.story import Story, kinds, said


@pytest.fixture
def story() -> Story:
    """Nothing has happened yet."""
    return Story()


def resolved(story: Story) -> None:
    """Plays until an incident of lane `infra` is resolved."""
    story.reports(alert())
    story.delivers(story.last(ActionKind.PAGE))
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert story.state() is State.RESOLVED


def test_the_first_alert_opens_an_incident_and_pages_the_lanes_owner(story: Story) -> None:
    """An alert of a quiet lane wakes whoever is on call for it, and says why it was this lane."""
    decision = story.reports(alert())
    assert decision.reason is Reason.OPENED
    assert kinds(decision) == [ActionKind.PLAN, ActionKind.PAGE]
    (page,) = story.incident.pages
    assert (page.team, page.person, page.channel) == ("infra", "ben", "#infra")
    assert 'lane is "infra"' in story.incident.reasons[0]
    assert list(said(decision)) == [
        TimelineKind.ALERT_FIRED,
        TimelineKind.OPENED,
        TimelineKind.PAGING,
    ]


def test_an_alert_that_fits_no_route_opens_an_incident_in_triage(story: Story) -> None:
    """What nobody claims is classified by a person: the owner of `triage` is paged."""
    story.reports(alert(lane="unheard-of"))
    assert (story.incident.lane, story.incident.pages[0].person) == ("triage", "ana")


def test_a_lane_without_a_remedy_is_paged_and_nothing_is_planned(story: Story) -> None:
    """Only lanes whose remedy is a rollback ask for a plan."""
    assert kinds(story.reports(alert(lane="auth"))) == [ActionKind.PAGE]
    assert story.incident.rollback is None


def test_two_lanes_have_an_incident_each(story: Story) -> None:
    """Alerts of different lanes never share an incident."""
    story.reports(alert())
    story.reports(alert("TokensFail", lane="auth"))
    assert [each.lane for each in story.stack.incidents] == ["infra", "auth"]


def test_one_stack_has_one_rollback_at_a_time(story: Story) -> None:
    """While one incident plans a rollback, another of the same stack asks for none."""
    story.reports(alert())
    assert kinds(story.reports(alert("DiskFull", lane="data"))) == [ActionKind.PAGE]


def test_in_a_storm_an_alert_writes_only_its_own_row(story: Story) -> None:
    """The second to the fiftieth alert of an open incident leave the head as it is."""
    story.reports(alert())
    before = story.stack
    for number in range(2, 51):
        decision = story.reports(alert(f"ErrorsHigh{number}"))
        assert decision.reason is Reason.JOINED
        assert decision.stack == before
        assert (decision.actions, decision.timers, decision.cleared) == ((), (), ())
        (row,) = decision.rows
        assert isinstance(row, AlertRow)
        assert row.incident == story.incident.id


def test_an_alert_that_is_known_changes_nothing_at_all(story: Story) -> None:
    """A duplicate has no row, no action and no timer."""
    story.reports(alert())
    before = story.stack
    decision = story.reports(alert())
    assert decision.reason is Reason.REPEATED
    assert decision.stack == before
    assert (decision.rows, decision.actions, decision.timers) == ((), (), ())


def test_a_worse_alert_raises_the_incident_and_pages_again(story: Story) -> None:
    """A raised severity has a page of its own: it is never taken for a repeat."""
    story.reports(alert(severity=Severity.SEV3))
    decision = story.reports(alert("AllDown", severity=Severity.SEV1))
    assert decision.reason is Reason.RAISED
    assert story.incident.severity is Severity.SEV1
    assert kinds(decision) == [ActionKind.PAGE]
    assert [page.step for page in story.incident.pages] == [PageStep.OPENED, PageStep.RAISED]
    assert len({page.key for page in story.incident.pages}) == 2
    assert "sev3 to sev1" in said(decision)[TimelineKind.RAISED]


def test_a_raised_severity_shows_on_the_page_that_stands(story: Story) -> None:
    """Everybody who reads the first page sees how bad it is by now."""
    story.reports(alert(severity=Severity.SEV3))
    story.delivers(story.last(ActionKind.PAGE))
    decision = story.reports(alert("AllDown", severity=Severity.SEV1))
    assert ActionKind.REFRESH in kinds(decision)


def test_a_milder_alert_lowers_nothing(story: Story) -> None:
    """The incident stays as bad as its worst alert."""
    story.reports(alert(severity=Severity.SEV1))
    assert story.reports(alert("Slow", severity=Severity.SEV4)).reason is Reason.JOINED
    assert story.incident.severity is Severity.SEV1


def test_the_end_of_an_alert_resolves_no_incident(story: Story) -> None:
    """Only the settle timer resolves; the alert's end is noted in its own row."""
    story.reports(alert())
    before = story.stack
    decision = story.reports(alert(status=AlertStatus.RESOLVED))
    assert decision.reason is Reason.ENDED
    assert decision.stack == before
    (row,) = decision.rows
    assert isinstance(row, AlertRow)
    assert (row.status, row.ends_at) == (AlertStatus.RESOLVED, NOON)


def test_the_end_of_an_unknown_alert_is_recorded_with_its_reason(story: Story) -> None:
    """An alert that ended before it was seen to fire wakes nobody."""
    decision = story.reports(alert(status=AlertStatus.RESOLVED))
    assert decision.reason is Reason.ENDED_UNSEEN
    assert decision.actions == ()
    (row,) = decision.rows
    assert isinstance(row, AlertRow)
    assert (row.incident, row.reason) == ("", Reason.ENDED_UNSEEN.value)


def test_an_alert_that_ended_never_fires_again(story: Story) -> None:
    """A late "firing" of an alert whose end is known opens nothing."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    decision = story.reports(alert())
    assert decision.reason is Reason.ENDED_ALREADY
    assert (decision.stack.incidents, decision.rows, decision.actions) == ((), (), ())


def test_a_repeated_end_changes_nothing(story: Story) -> None:
    """An alert ends once."""
    story.reports(alert())
    story.reports(alert(status=AlertStatus.RESOLVED))
    decision = story.reports(alert(status=AlertStatus.RESOLVED))
    assert decision.reason is Reason.ENDED_ALREADY
    assert decision.rows == ()


def test_an_end_told_later_never_moves_the_end_back(story: Story) -> None:
    """Two members of a pair: the row keeps the later of their two ends."""
    story.reports(replace(alert(), published_at=NOON))
    over = replace(alert(status=AlertStatus.RESOLVED), published_at=NOON + 2 * MINUTE)
    story.reports(replace(over, ends_at=NOON + 2 * MINUTE))
    story.reports(replace(over, ends_at=NOON + MINUTE, published_at=NOON + 3 * MINUTE))
    (row,) = story.alerts.values()
    assert (row.ends_at, row.heard_at) == (NOON + 2 * MINUTE, NOON + 3 * MINUTE)


def test_an_alert_keeps_the_lane_it_was_given_first(story: Story) -> None:
    """A resolved alert takes its incident from its row, whatever its labels say by now."""
    story.reports(alert())
    opened = story.incident
    story.reports(alert(lane="auth", status=AlertStatus.RESOLVED))
    (row,) = story.alerts.values()
    assert (row.lane, row.incident, row.status) == ("infra", opened.id, AlertStatus.RESOLVED)


def test_an_alert_during_the_last_check_takes_the_incident_back(story: Story) -> None:
    """An incident that was nearly resolved carries on where it was, acknowledged as it was."""
    story.reports(alert())
    story.presses(BEN, Choice.ACKNOWLEDGE)
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    assert story.state() is State.RESOLVING
    decision = story.reports(alert("Again"))
    assert decision.reason is Reason.REOPENED
    assert story.state() is State.ACKNOWLEDGED
    assert ActionKind.PAGE not in kinds(decision)
    assert story.rings(TimerKind.SETTLE).reason is Reason.STILL_FIRING


def test_an_incident_reopens_with_a_page_once_the_last_page_is_old(story: Story) -> None:
    """After `repage_after`, an alert of a resolved incident wakes the owner again."""
    resolved(story)
    first = story.incident
    story.later(7 * MINUTE)
    decision = story.reports(alert("Again"))
    assert decision.reason is Reason.REOPENED
    assert (story.incident.id, story.incident.state) == (first.id, State.OPEN)
    assert story.incident.resolved_at is None
    assert ActionKind.PAGE in kinds(decision)
    assert story.incident.pages[-1].step is PageStep.REOPENED


def test_an_incident_reopens_silently_while_the_last_page_is_fresh(story: Story) -> None:
    """Flapping wakes nobody twice within `repage_after`; the page that stands is redrawn."""
    resolved(story)
    decision = story.reports(alert("Again"))
    assert decision.reason is Reason.REOPENED
    assert story.state() is State.OPEN
    assert ActionKind.PAGE not in kinds(decision)
    assert ActionKind.REFRESH in kinds(decision)


def test_a_worse_alert_that_reopens_raises_and_pages_at_once(story: Story) -> None:
    """A raised severity is never swallowed because the incident was resolved just now."""
    resolved(story)
    decision = story.reports(alert("AllDown", severity=Severity.SEV1))
    assert story.incident.severity is Severity.SEV1
    assert ActionKind.PAGE in kinds(decision)


def test_a_page_that_reached_nobody_is_no_reason_to_stay_silent(story: Story) -> None:
    """An incident whose pages all failed pages again when it reopens, however soon."""
    story.reports(alert())
    for _ in story.policy.teams:
        story.finishes(story.last(ActionKind.PAGE), GaveUp("Slack is away"))
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    assert ActionKind.PAGE in kinds(story.reports(alert("Again")))


def test_a_reopened_incident_asks_for_a_new_plan(story: Story) -> None:
    """The rollback that was no longer needed is wished for again."""
    resolved(story)
    assert story.phase() is Phase.WITHDRAWN
    decision = story.reports(alert("Again"))
    assert ActionKind.PLAN in kinds(decision)
    assert story.phase() is Phase.PLANNING
    assert story.rollback().trigger == alert("Again").row_id


@pytest.mark.parametrize(
    ("early", "same"), [(SECOND, True), (timedelta(), False), (-SECOND, False)]
)
def test_after_the_reopen_window_an_alert_is_a_new_incident(
    story: Story, early: timedelta, same: bool
) -> None:
    """Up to the end of the window the old incident reopens; from then on there is a new one."""
    resolved(story)
    first = story.incident
    story.later(story.policy.timing.reopen_window - early)
    decision = story.reports(alert("Again"))
    assert (story.incident.id == first.id) is same
    closed = [row.incident for row in decision.rows if isinstance(row, IncidentRow)]
    assert closed == ([] if same else [first])


def test_ids_come_from_the_event_alone(story: Story) -> None:
    """Incident, actions and timeline rows are named after the event that led to them."""
    decision = story.reports(alert())
    event = alert().event_id
    assert [action.id for action in decision.actions] == [f"{event}-1", f"{event}-2"]
    assert [row.id for row in story.timeline] == [f"{event}-t{n}" for n in (1, 2, 3)]
    again = Story()
    again.later(MINUTE)
    assert again.reports(alert()).stack.incidents[0].id == story.incident.id


def test_the_page_order_names_a_page_of_the_incident(story: Story) -> None:
    """Whoever carries out the page finds it in the head."""
    story.reports(alert())
    order = story.last(ActionKind.PAGE).order
    assert isinstance(order, PageOrder)
    assert story.incident.page(order.page) is not None
