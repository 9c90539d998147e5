"""Two incidents that are one are merged, and what was merged by mistake is split again."""

from __future__ import annotations

import pytest

from shared.domain.action import ActionKind
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.decision import AuditRow, Decision, Reason
from shared.domain.event import TimerKind
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback import MoveResult
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import BEN, MINUTE, SECOND, WES, alert, outcome, plan
from tests.story import Story, kinds, proposed, said, told

SIGN_IN = alert("SignInFails", lane="auth", severity=Severity.SEV3)
ODD = alert("Odd", lane="triage", severity=Severity.SEV3)
GONE = AlertStatus.RESOLVED


@pytest.fixture
def story() -> Story:
    """One incident in lane auth, and one in triage: the same trouble."""
    story = Story()
    story.reports(SIGN_IN)
    story.reports(ODD)
    return story


def lane(story: Story, name: str) -> Incident:
    """The incident that deals with what belongs to the lane."""
    found = story.stack.by_lane(name)
    assert found is not None
    return found


def merge(story: Story, who: str = WES, one: str = "triage", into: str = "auth") -> Decision:
    """Somebody says that two incidents are one."""
    ids = lane(story, one).id, lane(story, into).id
    return story.instructs(who, Choice.MERGE, incident=ids[0], into=ids[1])


def settled(story: Story, incident: Incident) -> State:
    """Time passes until the incident was looked at twice."""
    for kind in (TimerKind.SETTLE, TimerKind.CONFIRM):
        timer = story.timers.get(f"{incident.id}:{kind}")
        if timer is not None:
            story.now = max(story.now, timer.due)
            story.take(story.due(timer))
    found = story.stack.incident(incident.id)
    assert found is not None
    return found.state


def test_what_was_merged_ends_with_a_pointer_to_where_it_went(story: Story) -> None:
    """It leaves the head as `merged`, its messages say into which, and the other says so too."""
    one, into = lane(story, "triage"), lane(story, "auth")
    story.delivers_all()
    decision = merge(story)
    filed = story.closed[one.id]
    assert (decision.reason, filed.state) == (Reason.CARRIED_OUT, State.MERGED)
    assert filed.merged_into == into.id
    assert [each.id for each in lane(story, "auth").merged] == [one.id]
    card = card_for(story.policy, filed, filed.pages[0])
    assert (card.status, card.choices) == (f"Merged into {into.id}", ())
    assert ActionKind.REFRESH in kinds(decision)
    lines = [row.incident for row in story.timeline if row.kind is TimelineKind.MERGED]
    assert lines == [one.id, into.id]


def test_who_merges_is_in_the_audit_with_both_incidents(story: Story) -> None:
    """The audit says who made one of two, and of which."""
    one, into = lane(story, "triage").id, lane(story, "auth").id
    (row,) = [row for row in merge(story).rows if isinstance(row, AuditRow)]
    assert (row.person, row.choice, row.incident) == (WES, Choice.MERGE, one)
    assert (row.asked, row.answer) == (f"into {into}", Reason.CARRIED_OUT.value)


def test_alerts_of_what_was_merged_keep_the_other_open(story: Story) -> None:
    """An incident is only resolved when what was merged into it fires no more either."""
    merge(story)
    into = lane(story, "auth")
    story.reports(alert("SignInFails", lane="auth", status=GONE))
    assert settled(story, into) is not State.RESOLVED
    story.reports(alert("Odd", lane="triage", status=GONE))
    assert settled(story, into) is State.RESOLVED


def test_new_alerts_of_the_merged_lane_go_where_it_was_merged(story: Story) -> None:
    """While the other is open nobody is woken by a second incident of the merged lane."""
    merge(story)
    decision = story.reports(alert("Odder", lane="triage", severity=Severity.SEV4))
    assert decision.reason is Reason.JOINED
    assert [each.lane for each in story.stack.incidents] == ["auth"]


def test_the_merged_lane_opens_its_own_again_once_the_other_is_over(story: Story) -> None:
    """A merge is about one trouble; the next one is classified as ever."""
    story.delivers_all()
    merge(story)
    into = lane(story, "auth")
    for name, where in (("SignInFails", "auth"), ("Odd", "triage")):
        story.reports(alert(name, lane=where, status=GONE))
    assert settled(story, into) is State.RESOLVED
    story.later(31 * MINUTE)
    decision = story.reports(alert("Odd", lane="triage", starts_at=story.now))
    assert decision.reason is Reason.OPENED
    assert lane(story, "triage").lane == "triage"


def test_the_owner_is_paged_about_what_joined_unless_they_merged_it(story: Story) -> None:
    """Whoever has the incident that stays learns of it; who did it knows."""
    merge(story, BEN)
    assert lane(story, "auth").pages[-1].step is PageStep.JOINED
    other = Story()
    other.reports(SIGN_IN)
    other.reports(ODD)
    merge(other, WES)
    assert [page.step for page in lane(other, "auth").pages] == [PageStep.OPENED]


def test_a_worse_one_raises_what_it_is_merged_into() -> None:
    """Severity is raised by a merge, and the owner paged for that; it is never lowered by one."""
    story = Story()
    story.reports(SIGN_IN)
    story.reports(alert("Odd", lane="triage", severity=Severity.SEV1))
    decision = merge(story)
    into = lane(story, "auth")
    assert (into.severity, into.pages[-1].step) == (Severity.SEV1, PageStep.RAISED)
    assert "Raised from sev3 to sev1" in said(decision)[TimelineKind.RAISED]


def test_what_a_person_declared_is_ended_by_a_person_after_a_merge_too() -> None:
    """No alert's end tells that a declared incident is over, whatever it was merged into."""
    story = Story()
    story.reports(SIGN_IN)
    story.asks(BEN, Choice.DECLARE, "the shop is slow", lane="triage")
    merge(story)
    into = lane(story, "auth")
    story.reports(alert("SignInFails", lane="auth", status=GONE))
    assert settled(story, into) is State.OPEN
    assert not into.settles


def test_a_second_merge_of_the_same_is_told_where_it_went(story: Story) -> None:
    """A press twice, or two people at once, merge once."""
    one, into = lane(story, "triage").id, lane(story, "auth").id
    merge(story)
    before = story.stack
    decision = story.instructs(BEN, Choice.MERGE, incident=one, into=into)
    assert (decision.reason, decision.stack) == (Reason.STALE, before)
    assert told(decision) == f"That incident was merged into {into}."
    decision = story.instructs(BEN, Choice.ACKNOWLEDGE, incident=one)
    assert told(decision) == f"That incident was merged into {into}."


def test_two_people_who_merge_both_ways_merge_once(story: Story) -> None:
    """The second finds one incident only."""
    one, into = lane(story, "triage").id, lane(story, "auth").id
    merge(story)
    decision = story.instructs(BEN, Choice.MERGE, incident=into, into=one)
    assert decision.reason is Reason.REFUSED
    assert [each.id for each in story.stack.incidents] == [into]


def test_a_merge_while_its_rollback_is_under_way_is_refused() -> None:
    """A proposal waits for a decision, which a merge would swallow."""
    story = Story()
    proposed(story, alert())
    story.reports(SIGN_IN)
    decision = merge(story, BEN, "infra", "auth")
    assert decision.reason is Reason.REFUSED
    assert "its rollback is proposed: decide on that first" in told(decision)


def test_what_rolled_traffic_back_takes_the_other_and_not_the_other_way() -> None:
    """The task and the review that a rollback leaves stay with its incident."""
    story = Story()
    proposed(story, alert())
    story.presses(BEN, Choice.APPROVE, plan().hash)
    story.finishes(
        story.last(ActionKind.APPLY),
        outcome(MoveResult.MOVED, MoveResult.MOVED, healthy_after=SECOND),
    )
    assert story.phase() is Phase.APPLIED
    story.reports(SIGN_IN)
    refused = merge(story, BEN, "infra", "auth")
    assert refused.reason is Reason.REFUSED
    assert merge(story, BEN, "auth", "infra").reason is Reason.CARRIED_OUT


@pytest.mark.parametrize(
    ("into", "why"),
    [
        ("itself", "cannot be merged into itself"),
        ("kitchen-0123456789", "is of another stack"),
        ("shop-longgone00", "is closed"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_the_reason(
    story: Story, into: str, why: str
) -> None:
    """An incident is merged into another open one of its stack, or not at all."""
    one = lane(story, "triage").id
    before = story.stack
    decision = story.instructs(
        WES, Choice.MERGE, incident=one, into=one if into == "itself" else into
    )
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
    assert why in told(decision)


def test_a_merge_into_what_is_about_to_be_resolved_is_refused(story: Story) -> None:
    """Nobody would be reminded of what joins an incident that is being closed."""
    story.reports(alert("SignInFails", lane="auth", status=GONE))
    story.take(story.due(story.timers[f"{lane(story, 'auth').id}:{TimerKind.SETTLE}"]))
    assert lane(story, "auth").state is State.RESOLVING
    assert "is resolving" in told(merge(story))


def test_a_merge_is_taken_back_by_splitting_what_was_merged(story: Story) -> None:
    """Its alerts count for an incident of their own again, in its lane, whose owner is paged."""
    one, into = lane(story, "triage").id, lane(story, "auth").id
    merge(story)
    decision = story.instructs(WES, Choice.SPLIT, incident=into, alerts=one)
    again = lane(story, "triage")
    assert decision.reason is Reason.CARRIED_OUT
    assert again.id not in (one, into)
    assert (again.lane, again.title, again.split_from) == ("triage", "Odd", into)
    assert (story.firing(again.id), story.firing(into)) == (1, 1)
    assert again.pages[-1].step is PageStep.OPENED
    story.reports(alert("Odd", lane="triage", status=GONE))
    assert settled(story, again) is State.RESOLVED
    assert settled(story, lane(story, "auth")) is State.OPEN


def test_named_alerts_become_an_incident_of_their_own(story: Story) -> None:
    """What was one incident is two; each ends with its own alerts."""
    story.reports(alert("QueueGrows", lane="auth"))
    auth = lane(story, "auth")
    decision = story.instructs(
        BEN, Choice.SPLIT, incident=auth.id, alerts="QueueGrows", lane="data"
    )
    data = lane(story, "data")
    assert (decision.reason, data.title) == (Reason.CARRIED_OUT, "QueueGrows")
    assert (story.firing(data.id), story.firing(auth.id)) == (1, 1)
    assert [row.lane for row in story.fires(data.id)] == ["data"]
    assert data.pages[-1].person == "ben"
    assert data.id in said(decision)[TimelineKind.SPLIT]


def test_later_alerts_of_a_series_stay_with_what_it_was_split_into(story: Story) -> None:
    """A person's word about a series holds while their incident is open."""
    story.reports(alert("QueueGrows", lane="auth"))
    auth = lane(story, "auth")
    story.instructs(BEN, Choice.SPLIT, incident=auth.id, alerts="QueueGrows", lane="data")
    story.reports(alert("QueueGrows", lane="auth", status=GONE))
    story.later(MINUTE)
    decision = story.reports(alert("QueueGrows", lane="auth", starts_at=story.now))
    assert decision.reason is Reason.JOINED
    assert [row.title for row in story.fires(lane(story, "data").id)] == ["QueueGrows"]


@pytest.mark.parametrize(
    ("alerts", "where", "why"),
    [
        ("Nowhere", "data", "none of its alerts that fire is 'Nowhere'"),
        ("", "data", "no alert is named"),
        ("QueueGrows", "auth", "it is in lane auth, which has one incident at a time"),
        ("QueueGrows", "", "it is in lane auth"),
        ("QueueGrows", "kitchen", "there is no lane 'kitchen'"),
        ("QueueGrows", "triage", "is open in lane triage, which has one at a time"),
        ("QueueGrows SignInFails", "data", "these are all of its alerts that fire"),
    ],
)
def test_what_cannot_be_split_is_refused_with_what_to_do(
    story: Story, alerts: str, where: str, why: str
) -> None:
    """A lane has one open incident, and an incident keeps one of its alerts."""
    story.reports(alert("QueueGrows", lane="auth"))
    before = story.stack
    decision = story.instructs(
        BEN, Choice.SPLIT, incident=lane(story, "auth").id, alerts=alerts, lane=where
    )
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
    assert why in told(decision)
