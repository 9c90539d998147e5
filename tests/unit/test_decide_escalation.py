"""Nobody acknowledges: who is paged after whom, and that an open incident is never forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.action import ActionKind, PageOrder
from shared.domain.alert import AlertStatus
from shared.domain.card import card_for
from shared.domain.data_rollback import approvers as data_approvers
from shared.domain.decision import Reason, TimelineRow
from shared.domain.escalation import EscalationStep
from shared.domain.event import TimerKind
from shared.domain.hours import Span, WeeklyHours
from shared.domain.incident import TimelineKind
from shared.domain.incident_state import State
from shared.domain.page_list import MOST_PAGES
from shared.domain.paging import Choice, Page, PageStep
from shared.domain.policy import Person, Policy
from shared.domain.schedule import Layer, Override, Schedule
from shared.domain.severity import Severity
from shared.wire import stored
from tests.builders import BEN, MINUTE, NOON, SECOND, alert, policy
from tests.story import Story, kinds, proposed, said

STEPS = (EscalationStep(5 * MINUTE, "eve"), EscalationStep(10 * MINUTE, "web"))
UTC_ROTA = Layer(
    zone="UTC",
    people=("ben", "eve"),
    start=datetime.fromisoformat("2026-02-01 09:00"),
    shift=timedelta(days=7),
)
"""NOON is a Sunday, the first of March: Ben's turn began three hours before."""


def escalating(*steps: EscalationStep, **team: object) -> Policy:
    """The shop's policy, in which these steps come after whoever is on call for infra."""
    rules = policy()
    infra = replace(rules.teams["infra"], escalation=steps or STEPS, **team)  # type: ignore[arg-type]
    return replace(rules, teams={**rules.teams, "infra": infra})


def by_schedule(rota: Schedule, *steps: EscalationStep, **team: object) -> Policy:
    """The shop's policy, in which infra is on call by this schedule."""
    rules = escalating(*steps, on_call=rota.id, **team)
    return replace(rules, schedules={rota.id: rota})


def rota(*layers: Layer, overrides: tuple[Override, ...] = ()) -> Schedule:
    """A schedule of these layers."""
    return Schedule(id="rota", zone="UTC", layers=layers or (UTC_ROTA,), overrides=overrides)


def paged(story: Story) -> list[tuple[str, str, str]]:
    """Step, person and channel of every page, in order."""
    return [(page.step.value, page.person, page.channel) for page in story.incident.pages]


def newest(story: Story) -> Page:
    """The last page."""
    return story.incident.pages[-1]


def wait(story: Story) -> timedelta:
    """How long until somebody is paged again."""
    return story.timers[f"{story.incident.id}:{TimerKind.REMIND}"].due - story.now


@pytest.fixture
def story() -> Story:
    """One alert has fired for a team with an escalation of two steps, and the page stands."""
    story = Story(escalating())
    story.reports(alert())
    story.delivers(story.last(ActionKind.PAGE))
    return story


def test_nobody_acknowledges_and_one_after_the_other_is_paged(story: Story) -> None:
    """Ben, after five minutes Eve, ten minutes later whoever is on call for the web team."""
    assert wait(story) == 5 * MINUTE
    decision = story.rings(TimerKind.REMIND)
    assert decision.reason is Reason.REMINDED
    assert said(decision)[TimelineKind.ESCALATED] == (
        "Nobody acknowledged for 5 min: Eve is being paged, step 1 of 2 of the escalation of Infra"
    )
    assert wait(story) == 10 * MINUTE
    story.rings(TimerKind.REMIND)
    assert paged(story) == [
        ("opened", "ben", "#infra"),
        ("escalated", "eve", "#infra"),
        ("escalated", "wes", "#web"),
    ]


def test_after_the_last_step_it_begins_again_and_never_ends(story: Story) -> None:
    """The team itself, then the same steps; the wait for that is doubled each time."""
    waits = []
    for _ in range(9):
        waits.append(wait(story) // MINUTE)
        story.rings(TimerKind.REMIND)
    assert [step for step, _, _ in paged(story)][1:] == ["escalated", "escalated", "reminder"] * 3
    assert waits == [5, 10, 15, 5, 10, 30, 5, 10, 60]
    assert len({page.key for page in story.incident.pages}) == 10


def test_an_escalated_page_says_which_step_it_is(story: Story) -> None:
    """Who is woken as the second learns that the first did not react."""
    story.rings(TimerKind.REMIND)
    card = card_for(story.policy, story.incident, newest(story))
    assert card.headline == "Nobody has it yet: ErrorsHigh"
    assert card.mention == "U0EVE"
    assert card.paragraphs[0] == (
        "Nobody acknowledged for 5 min: this is step 1 of 2 of the escalation of Infra."
    )


def test_whoever_acknowledges_ends_the_escalation(story: Story) -> None:
    """The timeline says so, and the timer that was set pages nobody."""
    decision = story.presses(BEN, Choice.ACKNOWLEDGE)
    assert said(decision)[TimelineKind.ESCALATION_ENDED] == "Escalation stopped: somebody has it"
    assert story.rings(TimerKind.REMIND).reason is Reason.STALE
    assert len(story.incident.pages) == 1


def test_an_approval_ends_the_escalation() -> None:
    """Whoever approves the rollback has it."""
    story = Story(escalating())
    hash_ = proposed(story, alert())
    decision = story.presses(BEN, Choice.APPROVE, hash_)
    assert said(decision)[TimelineKind.ESCALATION_ENDED] == "Escalation stopped: somebody has it"


def test_what_resolves_by_itself_ends_its_escalation(story: Story) -> None:
    """Nobody acknowledged, and nothing fires any more: the timeline says that nobody is paged."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    decision = story.rings(TimerKind.CONFIRM)
    assert said(decision)[TimelineKind.ESCALATION_ENDED] == "Escalation stopped: it is resolved"


def test_without_an_escalation_nothing_is_said_of_one() -> None:
    """A team that has none gets reminders as ever."""
    story = Story()
    story.reports(alert())
    assert wait(story) == 15 * MINUTE
    assert TimelineKind.ESCALATION_ENDED not in said(story.presses(BEN, Choice.ACKNOWLEDGE))


def test_an_incident_that_is_reopened_escalates_from_the_beginning(story: Story) -> None:
    """Whoever was paged last time, the team itself is paged first."""
    story.rings(TimerKind.REMIND)
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.reports(alert(starts_at=story.later(11 * MINUTE)))
    assert story.state() is State.OPEN
    assert newest(story).person == "ben"
    assert (story.incident.escalated, wait(story)) == (0, 5 * MINUTE)


def test_news_in_triage_does_not_hasten_or_delay_a_step() -> None:
    """Another alert joins while the second step is on its way: it comes when it is due."""
    rules = policy()
    runtime = replace(rules.teams["runtime"], escalation=(EscalationStep(20 * MINUTE, "ben"),))
    story = Story(replace(rules, teams={**rules.teams, "runtime": runtime}))
    story.reports(alert("One", lane="nobody knows"))
    due = story.timers[f"{story.incident.id}:{TimerKind.REMIND}"].due
    story.later(MINUTE)
    story.reports(alert("Two", lane="nobody knows"))
    assert story.timers[f"{story.incident.id}:{TimerKind.REMIND}"].due == due


def test_who_is_on_call_is_asked_when_somebody_is_paged() -> None:
    """Ben's turn ends a week later at nine; whoever is paged after that is Eve."""
    story = Story(by_schedule(rota(), EscalationStep(5 * MINUTE, "wes")))
    story.reports(alert())
    assert newest(story).person == "ben"
    other = Story(story.policy)
    other.later(timedelta(days=7))
    other.reports(alert(starts_at=other.now))
    assert newest(other).person == "eve"


def test_in_a_gap_the_next_in_the_escalation_is_paged_and_it_is_said() -> None:
    """Nobody is on call at noon: Wes, who would be paged later, is paged at once."""
    at_night = WeeklyHours(zone="UTC", start=NOON.time().replace(hour=20))
    story = Story(by_schedule(rota(replace(UTC_ROTA, hours=at_night)), *STEPS[1:]))
    decision = story.reports(alert())
    gap = (
        "Infra has nobody on call now (none of its rotations covers this hour): "
        "Wes is next in the escalation"
    )
    assert paged(story) == [("opened", "wes", "#web")]
    assert newest(story).details == (gap,)
    assert said(decision)[TimelineKind.NOBODY_ON_CALL] == gap
    assert said(decision)[TimelineKind.PAGING] == "Wes is being paged"


def test_in_a_gap_without_an_escalation_the_whole_team_is_paged() -> None:
    """A schedule that has not begun: every member is woken, each by a page of their own."""
    later = replace(UTC_ROTA, start=datetime.fromisoformat("2026-04-01 09:00"))
    rules = by_schedule(rota(later))
    infra = replace(rules.teams["infra"], escalation=())
    story = Story(replace(rules, teams={**rules.teams, "infra": infra}))
    decision = story.reports(alert())
    assert paged(story) == [("opened", "ben", "#infra"), ("opened", "eve", "#infra")]
    assert said(decision)[TimelineKind.NOBODY_ON_CALL].endswith("everybody in Infra is paged")
    assert kinds(decision).count(ActionKind.PAGE) == 2


def test_in_a_gap_a_team_without_members_pages_everybody_of_its_schedule() -> None:
    """There is always somebody."""
    later = replace(UTC_ROTA, start=datetime.fromisoformat("2026-04-01 09:00"))
    rules = by_schedule(rota(later), members=())
    called = rules.on_call(replace(rules.teams["infra"], escalation=()), NOON)
    assert called.people == ("ben", "eve")


def test_a_step_in_whose_schedule_nobody_is_goes_on_to_the_next() -> None:
    """The gap is said, and no step is lost."""
    later = replace(UTC_ROTA, start=datetime.fromisoformat("2026-04-01 09:00"))
    steps = (EscalationStep(5 * MINUTE, "rota"), EscalationStep(5 * MINUTE, "wes"))
    story = Story(replace(escalating(*steps), schedules={"rota": rota(later)}))
    story.reports(alert())
    story.rings(TimerKind.REMIND)
    assert newest(story).person == "wes"
    assert "rota has nobody on call now" in newest(story).details[0]


def test_an_override_is_who_is_paged() -> None:
    """Wes stands in for Ben."""
    stands_in = Override(person="wes", span=Span(NOON - MINUTE, NOON + MINUTE))
    story = Story(by_schedule(rota(overrides=(stands_in,))))
    story.reports(alert())
    assert paged(story) == [("opened", "wes", "#infra")]


def test_whoever_is_on_call_by_a_schedule_may_approve_for_the_team() -> None:
    """Everybody who takes turns belongs to the team; whoever it is now is asked first."""
    rules = by_schedule(rota(), members=())
    assert [each.id for each in rules.approvers("shop", NOON)] == ["ben", "eve"]
    then = NOON + timedelta(days=7)
    assert [each.id for each in rules.approvers("shop", then)] == ["eve", "ben"]
    assert [each.id for each in data_approvers(rules, "shop", then)] == ["eve", "ben"]


def test_who_stands_in_may_approve_for_as_long_as_that() -> None:
    """Wes belongs to no team: before his turn and after it he may not, in it he is asked first."""
    stands_in = Override(person="wes", span=Span(NOON, NOON + MINUTE))
    rules = by_schedule(rota(overrides=(stands_in,)), members=())
    wes = rules.people["wes"]
    turns = (NOON - SECOND, NOON, NOON + MINUTE)
    assert [rules.may_approve("shop", wes, at) for at in turns] == [False, True, False]
    assert [each.id for each in rules.approvers("shop", NOON)] == ["wes", "ben", "eve"]
    assert wes not in data_approvers(rules, "shop", NOON + MINUTE)


def test_a_worse_alert_pages_the_owner_at_once_and_the_steps_go_on(story: Story) -> None:
    """The timer of the next step stays as it is."""
    due = story.timers[f"{story.incident.id}:{TimerKind.REMIND}"].due
    story.later(SECOND)
    story.reports(alert("Worse", severity=Severity.SEV1))
    assert newest(story).step is PageStep.RAISED
    assert story.timers[f"{story.incident.id}:{TimerKind.REMIND}"].due == due


def test_a_timer_that_rings_twice_pages_once(story: Story) -> None:
    """The second ring is the same event, whose pages have the same ids."""
    timer = story.timers[f"{story.incident.id}:{TimerKind.REMIND}"]
    before = story.stack
    story.now = timer.due
    first = story.take(story.due(timer))
    story.stack = before
    again = story.take(story.due(timer))
    assert again == first
    assert [row for row in first.rows if isinstance(row, TimelineRow)]


@pytest.mark.parametrize("slack_answers", [True, False])
def test_an_incident_that_nobody_takes_for_weeks_lists_no_more_pages_than_fit(
    slack_answers: bool,
) -> None:
    """The first pages and the newest; how many more there were is counted, and all go out."""
    story = Story(escalating())
    story.reports(alert())
    keys = [newest(story).key]
    while story.now < NOON + timedelta(days=60):
        actions = story.rings(TimerKind.REMIND).actions
        assert len(actions) <= MOST_PAGES
        keys.append(newest(story).key)
        if slack_answers:
            story.delivers(story.last(ActionKind.PAGE))
    pages, first = story.incident.pages, NOON + 15 * MINUTE
    assert len(set(keys)) == len(keys) > 500
    assert len(pages) == MOST_PAGES
    assert len(pages) + story.incident.unlisted == len(keys)
    assert [page.decided_at for page in pages[:3]] == [NOON, NOON + 5 * MINUTE, first]
    assert len(stored.HEAD.encode(story.stack)) < 30 * 1024


def test_whoever_is_called_by_no_other_page_is_called_however_many_there_are() -> None:
    """Only what went out, was tried for hours, or is said again to the same person, makes room."""
    everybody = tuple(f"person-{number}" for number in range(2 * MOST_PAGES))
    people = {each: Person(id=each, name=each, slack=f"U{each}") for each in everybody}
    nobody = Schedule(id="rota", zone="UTC", layers=())
    rules = policy()
    infra = replace(rules.teams["infra"], on_call="rota", members=everybody)
    rules = replace(rules, people={**rules.people, **people}, schedules={"rota": nobody})
    story = Story(replace(rules, teams={**rules.teams, "infra": infra}))
    decision = story.reports(alert())
    assert {page.person for page in story.incident.pages} == set(everybody)
    ordered = [a.order.page for a in decision.actions if isinstance(a.order, PageOrder)]
    assert [page.key for page in story.incident.pages] == ordered
