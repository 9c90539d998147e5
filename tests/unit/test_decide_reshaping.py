"""People say whose an incident is, how bad it is, and what they know about it."""

from __future__ import annotations

import pytest

from shared.domain.action import ActionKind, NoticeOrder
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.decision import AuditRow, Decision, Reason, TimelineRow
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.rollback_phase import Phase
from shared.domain.severity import Severity
from tests.builders import ANA, BEN, MINUTE, WES, alert
from tests.story import Story, kinds, proposed, said, told

STRANGER = "U0STRANGER"


@pytest.fixture
def story() -> Story:
    """Nobody could classify the alert: it is in triage, Ana is paged and has acknowledged."""
    story = Story()
    story.reports(alert("Odd", lane="triage"))
    story.delivers_all()
    story.presses(ANA, Choice.ACKNOWLEDGE)
    return story


def to_lane(story: Story, lane: str = "auth", who: str = ANA) -> Decision:
    """Somebody says which lane it belongs to."""
    return story.instructs(who, Choice.LANE, incident=story.incident.id, lane=lane)


def severity(story: Story, how_bad: Severity, why: str = "few are hit", who: str = ANA) -> Decision:
    """Somebody says how bad it is."""
    return story.instructs(
        who, Choice.SEVERITY, incident=story.incident.id, severity=how_bad, text=why
    )


def audited(decision: Decision) -> AuditRow:
    """What the audit has of it."""
    (row,) = [row for row in decision.rows if isinstance(row, AuditRow)]
    return row


def test_the_new_lane_pages_its_owner_and_nobody_has_it_yet(story: Story) -> None:
    """Whoever acknowledged was of another team: the new owner is woken, and reminded."""
    decision = to_lane(story)
    found = story.incident
    assert decision.reason is Reason.CARRIED_OUT
    assert (found.lane, found.team, found.state) == ("auth", "web", State.OPEN)
    assert (found.pages[-1].step, found.pages[-1].person) == (PageStep.HANDED_OVER, "wes")
    assert found.runbook == "https://runbook/auth"
    assert "from lane triage to auth" in said(decision)[TimelineKind.HANDED_OVER]
    assert story.rings(TimerKind.REMIND).reason is Reason.REMINDED
    assert audited(decision).asked == "auth"


def test_the_old_owners_message_says_who_has_it_now(story: Story) -> None:
    """What stands in the old team's channel is redrawn."""
    assert ActionKind.REFRESH in kinds(to_lane(story))
    card = card_for(story.policy, story.incident, story.incident.pages[0])
    assert "Moved from lane triage to auth: Web has it now" in card.paragraphs


def test_a_lane_whose_remedy_is_a_rollback_prepares_a_plan(story: Story) -> None:
    """A person asked for it, so that it never goes by itself."""
    assert ActionKind.PLAN in kinds(to_lane(story, "infra"))
    assert (story.phase(), story.rollback().requested_by) == (Phase.PLANNING, "ana")


def test_later_alerts_of_the_same_series_stay_in_the_lane_a_person_chose(story: Story) -> None:
    """The routes would send them elsewhere; the person's word counts while it is open."""
    to_lane(story)
    story.reports(alert("Odd", lane="triage", status=AlertStatus.RESOLVED))
    story.later(MINUTE)
    decision = story.reports(alert("Odd", lane="triage", starts_at=story.now))
    assert decision.reason is Reason.JOINED
    assert [(row.lane, row.incident) for row in story.fires(story.incident.id)] == [
        ("auth", story.incident.id)
    ]


def test_another_series_of_the_old_lane_opens_its_own_incident(story: Story) -> None:
    """What nobody has looked at is classified by the routes."""
    to_lane(story)
    assert story.reports(alert("Odder", lane="triage")).reason is Reason.OPENED


def test_a_lane_with_an_open_incident_is_refused_with_the_merge_that_would_do() -> None:
    """A lane has one open incident at a time."""
    story = Story()
    story.reports(alert("SignInFails", lane="auth"))
    story.reports(alert("Odd", lane="triage"))
    auth, odd = (story.stack.by_lane(lane) for lane in ("auth", "triage"))
    assert auth is not None
    assert odd is not None
    before = story.stack
    decision = story.instructs(ANA, Choice.LANE, incident=odd.id, lane="auth")
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
    assert f"`/switchman merge {odd.id} {auth.id}` makes them one" in told(decision)


@pytest.mark.parametrize(
    ("lane", "why"),
    [("triage", "it is in lane triage"), ("kitchen", "there is no lane 'kitchen'")],
)
def test_a_lane_it_cannot_have_is_refused(story: Story, lane: str, why: str) -> None:
    """The person is told what would be right."""
    assert why in told(to_lane(story, lane))


def test_a_lane_is_not_changed_while_a_rollback_waits_for_a_decision() -> None:
    """The proposal belongs to the owner who is deciding on it."""
    story = Story()
    proposed(story, alert())
    assert "its rollback is proposed" in told(to_lane(story))


def test_the_second_who_says_the_same_lane_is_told(story: Story) -> None:
    """A press twice pages once."""
    to_lane(story)
    pages = story.incident.pages
    assert to_lane(story).reason is Reason.REFUSED
    assert story.incident.pages == pages


def test_whoever_raises_the_severity_has_the_owner_paged(story: Story) -> None:
    """As when a worse alert joins, and with the person's reason."""
    decision = severity(story, Severity.SEV1, "nobody can pay")
    found = story.incident
    assert (found.severity, found.pages[-1].step) == (Severity.SEV1, PageStep.RAISED)
    assert said(decision)[TimelineKind.RAISED] == "Raised from sev2 to sev1: Ana: nobody can pay"
    assert audited(decision).asked == "sev1: nobody can pay"


def test_lowering_is_said_in_the_channel_and_pages_nobody(story: Story) -> None:
    """It is never silent: the team reads who did it, and why."""
    pages = story.incident.pages
    decision = severity(story, Severity.SEV4)
    assert (story.incident.severity, story.incident.pages) == (Severity.SEV4, pages)
    text = "Ana lowered it from sev2 to sev4: few are hit"
    assert said(decision)[TimelineKind.LOWERED] == text
    (notice,) = [a.order for a in decision.actions if isinstance(a.order, NoticeOrder)]
    assert (notice.channel, notice.paragraphs[0]) == ("#runtime", text)


def test_only_its_owners_and_who_may_approve_lower_a_severity(story: Story) -> None:
    """Wes is of another team; Ben may approve rollbacks of the shop."""
    refused = severity(story, Severity.SEV4, who=WES)
    assert refused.reason is Reason.REFUSED
    assert "only Runtime, or Infra, may call it less bad than sev2" in told(refused)
    assert severity(story, Severity.SEV4, who=BEN).reason is Reason.CARRIED_OUT


def test_a_worse_alert_raises_it_again_after_it_was_lowered(story: Story) -> None:
    """What a person lowered is raised, with a page, by whatever fires anew and is worse."""
    severity(story, Severity.SEV4)
    assert story.reports(alert("Odder", lane="triage")).reason is Reason.RAISED


@pytest.mark.parametrize(
    ("how_bad", "why", "refusal"),
    [
        (Severity.SEV2, "it is", "it is sev2 already"),
        (Severity.SEV4, " ", "a change of severity says to which one, and why"),
    ],
)
def test_a_change_that_is_none_or_has_no_reason_is_refused(
    story: Story, how_bad: Severity, why: str, refusal: str
) -> None:
    """The second of two presses changes nothing, and no change goes without its reason."""
    before = story.stack
    decision = severity(story, how_bad, why)
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
    assert refusal in told(decision)


def test_a_note_stands_in_the_timeline_with_who_wrote_it(story: Story) -> None:
    """It wakes nobody and redraws nothing."""
    text = "restarted the queue"
    decision = story.instructs(WES, Choice.NOTE, incident=story.incident.id, text=text)
    assert said(decision) == {TimelineKind.NOTED: "Wes: restarted the queue"}
    assert decision.actions == ()
    assert audited(decision).asked == text


def test_a_closed_incident_takes_notes_too(story: Story) -> None:
    """What is learned later is written where people look for it."""
    decision = story.instructs(WES, Choice.NOTE, incident="shop-longgone00", text="it was the disk")
    (row,) = [row for row in decision.rows if isinstance(row, TimelineRow)]
    assert (row.incident, row.text) == ("shop-longgone00", "Wes: it was the disk")


@pytest.mark.parametrize(
    "choice", [Choice.MERGE, Choice.SPLIT, Choice.LANE, Choice.SEVERITY, Choice.NOTE]
)
def test_a_stranger_reshapes_nothing(story: Story, choice: Choice) -> None:
    """Whom the policy does not know is refused, and the audit says so."""
    before = story.stack
    decision = story.instructs(STRANGER, choice, incident=story.incident.id, text="x", lane="auth")
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
    assert audited(decision).answer == Reason.REFUSED.value


@pytest.mark.parametrize("choice", [Choice.SPLIT, Choice.LANE, Choice.SEVERITY, Choice.MERGE])
def test_what_is_over_is_not_reshaped(story: Story, choice: Choice) -> None:
    """A resolved incident is reopened by what fires, and by nothing else."""
    story.reports(alert("Odd", lane="triage", status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    before = story.stack
    decision = story.instructs(
        ANA,
        choice,
        incident=story.incident.id,
        lane="auth",
        text="x",
        severity=Severity.SEV1,
        alerts="Odd",
    )
    assert (decision.reason, decision.stack) == (Reason.REFUSED, before)
