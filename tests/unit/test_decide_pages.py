"""Pages on their way: delivered, out of date, or never delivered at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.domain.action import Action, ActionKind, Delivered, Done, GaveUp, PageOrder
from shared.domain.alert import AlertStatus
from shared.domain.decide.timers import KEEP_UNSENT
from shared.domain.decision import Reason
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import Policy
from shared.domain.rollback import MoveResult
from shared.domain.severity import Severity
from tests.builders import BEN, MINUTE, NOON, alert, message, outcome, plan, policy
from tests.story import Story, kinds, said


@pytest.fixture
def story() -> Story:
    """An incident of lane `infra` is open, and its page is on the way."""
    story = Story()
    story.reports(alert())
    return story


def one_person_everywhere() -> Policy:
    """A small company: Ana is on call for every team but `infra`."""
    rules = policy()
    teams = {
        key: team if key == "infra" else replace(team, on_call="ana")
        for key, team in rules.teams.items()
    }
    return replace(rules, teams=teams)


def test_a_delivered_page_has_its_time_and_place(story: Story) -> None:
    """Where the message stands is kept, so that it can be redrawn."""
    at = story.later(MINUTE)
    decision = story.delivers(story.last(ActionKind.PAGE))
    (page,) = story.incident.pages
    assert page.sent_at == at
    assert page.message is not None
    assert said(decision) == {TimelineKind.PAGED: "Paged Ben in #infra"}
    assert decision.actions == ()


def test_a_page_that_is_out_of_date_when_it_arrives_is_redrawn(story: Story) -> None:
    """What changed while the message was on its way shows on it at last."""
    decision = story.finishes(story.last(ActionKind.PAGE), Delivered(message(), "older"))
    assert kinds(decision) == [ActionKind.REFRESH]


def test_redrawing_ends_with_the_newest_card(story: Story) -> None:
    """A redrawn page that shows the incident as it is asks for nothing more."""
    story.finishes(story.last(ActionKind.PAGE), Delivered(message(), "older"))
    assert story.delivers(story.last(ActionKind.REFRESH)).actions == ()


def test_an_acknowledgement_before_the_page_arrives_counts_for_it(story: Story) -> None:
    """Somebody who took the incident elsewhere has acknowledged this page too."""
    at = story.later(MINUTE)
    story.presses(BEN, Choice.ACKNOWLEDGE)
    story.delivers(story.last(ActionKind.PAGE))
    assert story.incident.pages[0].acknowledged_at == at


def test_a_page_that_fails_wakes_another_team(story: Story) -> None:
    """No page is lost in silence: the next team is told which page failed, and why."""
    decision = story.finishes(story.last(ActionKind.PAGE), GaveUp("there is no channel #infra"))
    assert kinds(decision) == [ActionKind.PAGE]
    page = story.incident.pages[-1]
    assert (page.step, page.team, page.person) == (PageStep.ACTION_FAILED, "runtime", "ana")
    assert "there is no channel #infra" in page.details[0]
    assert "#infra failed" in said(decision)[TimelineKind.PAGE_FAILED]


@pytest.mark.parametrize("rules", [policy(), one_person_everywhere()], ids=["many", "one person"])
def test_failing_pages_come_to_an_end(rules: Policy) -> None:
    """Each team is tried once, whoever is on call for it; then the timeline has it all."""
    story = Story(rules)
    decision = story.reports(alert())
    for _ in rules.teams:
        decision = story.finishes(story.last(ActionKind.PAGE), GaveUp("Slack is away"))
    assert decision.actions == (), f"it pages on: {[page.key for page in story.incident.pages]}"


def test_a_page_that_stands_is_never_lost_from_the_incident() -> None:
    """A later page to the same person, for another team, leaves the earlier message known."""
    story = Story(one_person_everywhere())
    story.reports(alert())
    story.finishes(story.last(ActionKind.PAGE), GaveUp("no such channel"))
    story.delivers(story.last(ActionKind.PAGE))
    standing = story.incident.pages[-1].message
    story.finishes(story.last(ActionKind.PLAN), plan())
    story.presses(BEN, Choice.APPROVE, plan().hash)
    story.finishes(story.last(ActionKind.APPLY), outcome(MoveResult.MOVED, MoveResult.MOVED))
    story.finishes(story.last(ActionKind.PAGE), GaveUp("no such channel"))
    assert standing in [page.message for page in story.incident.pages]


def test_a_later_page_that_fails_wakes_somebody_although_all_were_woken_before(
    story: Story,
) -> None:
    """Pages of another day are no reason to stay silent about this one."""
    for _ in story.policy.teams:
        story.finishes(story.last(ActionKind.PAGE), GaveUp("Slack is away"))
    story.reports(alert("AllDown", severity=Severity.SEV1))
    decision = story.finishes(story.last(ActionKind.PAGE), GaveUp("no such channel"))
    assert kinds(decision) == [ActionKind.PAGE]


@pytest.mark.parametrize("kind", [ActionKind.REFRESH, ActionKind.TELL])
def test_what_only_informs_is_noted_when_it_fails(story: Story, kind: ActionKind) -> None:
    """A page that cannot be redrawn wakes nobody, and the timeline has it."""
    failed = replace(story.last(ActionKind.PAGE), kind=kind)
    decision = story.finishes(failed, GaveUp("the message is gone"))
    assert decision.actions == ()
    assert said(decision) == {TimelineKind.FAILED: f"{kind} failed: the message is gone"}


def test_a_private_answer_leaves_no_trace(story: Story) -> None:
    """That somebody was told something changes nothing."""
    before = story.stack
    told = replace(story.last(ActionKind.PAGE), kind=ActionKind.TELL)
    decision = story.finishes(told, Done())
    assert (decision.reason, decision.stack, decision.rows) == (Reason.RECORDED, before, ())


def filed(story: Story) -> Action:
    """The incident is over, kept for its page as long as that may take, and filed: its page."""
    page = story.last(ActionKind.PAGE)
    story.reports(alert(status=AlertStatus.RESOLVED))
    for kind in (TimerKind.SETTLE, TimerKind.CONFIRM):
        story.rings(kind)
    while story.stack.incidents:
        story.rings(TimerKind.FORGET)
    assert story.now >= NOON + KEEP_UNSENT
    return page


def test_a_page_that_arrives_when_its_incident_is_filed_is_in_its_story(story: Story) -> None:
    """Whoever reads the closed incident learns that somebody was paged after all."""
    page = filed(story)
    decision = story.finishes(page, Delivered(message(), "drawn"))
    assert (decision.stack.incidents, decision.actions) == ((), ())
    assert "after the incident was closed" in said(decision)[TimelineKind.PAGED]
    assert {row.incident for row in story.timeline} == {page.incident}


def test_a_page_given_up_when_its_incident_is_filed_pages_the_owner_of_triage(
    story: Story,
) -> None:
    """It reached nobody, and the next one is about that: never is a page lost in silence."""
    page = filed(story)
    decision = story.finishes(page, GaveUp("Slack is away"))
    failed = [row for row in story.timeline if row.kind is TimelineKind.PAGE_FAILED]
    assert [row.incident for row in failed] == [page.incident]
    assert (story.incident.lane, kinds(decision)) == ("triage", [ActionKind.PAGE])
    assert page.incident in story.incident.title


def test_a_page_given_up_when_its_incident_is_filed_joins_what_is_in_triage(story: Story) -> None:
    """There is one incident of a lane: its owner is paged about the lost page too."""
    page = filed(story)
    story.reports(alert("Odd", lane="unheard-of"))
    decision = story.finishes(page, GaveUp("Slack is away"))
    assert kinds(decision) == [ActionKind.PAGE]
    assert story.incident.pages[-1].step is PageStep.ACTION_FAILED
    assert page.incident in story.incident.pages[-1].details[0]


def test_the_page_about_a_lost_page_goes_on_to_the_other_teams(story: Story) -> None:
    """What fails for the owner of `triage` too is the next team's."""
    story.finishes(filed(story), GaveUp("Slack is away"))
    decision = story.finishes(story.last(ActionKind.PAGE), GaveUp("no such channel"))
    assert kinds(decision) == [ActionKind.PAGE]
    assert story.incident.pages[-1].team != story.incident.pages[0].team


def test_an_incident_whose_page_is_still_to_come_makes_no_room_for_another(story: Story) -> None:
    """A new alert long after its end reopens it, because its page would be lost otherwise."""
    page = story.last(ActionKind.PAGE)
    story.reports(alert(status=AlertStatus.RESOLVED))
    for kind in (TimerKind.SETTLE, TimerKind.CONFIRM):
        story.rings(kind)
    at = story.later(story.policy.timing.reopen_window)
    decision = story.reports(alert("Slow", starts_at=at))
    assert decision.reason is Reason.REOPENED
    story.delivers(page)
    assert story.incident.pages[0].sent_at is not None


def test_a_page_the_incident_does_not_know_changes_nothing(story: Story) -> None:
    """A result for a page that was never decided has nowhere to go."""
    unknown = replace(story.last(ActionKind.PAGE), order=PageOrder(page="no-such-page"))
    decision = story.finishes(unknown, Delivered(message(), "drawn"))
    assert (decision.reason, decision.rows, decision.actions) == (Reason.STALE, (), ())
