"""Lanes that know each other: a symptom goes to whoever has its cause, and is never left silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from shared.domain.action import ActionKind, PageOrder
from shared.domain.alert import AlertRow, AlertStatus
from shared.domain.card import card_for
from shared.domain.decision import Decision, MovedAlert, Reason
from shared.domain.event import TimerKind
from shared.domain.hours import WeeklyHours
from shared.domain.incident import Incident, TimelineKind
from shared.domain.incident_state import State
from shared.domain.paging import Choice, PageStep
from shared.domain.policy import Lane, Policy
from shared.domain.quiet import QuietHours
from shared.domain.rollback import NoPlan
from shared.domain.severity import Severity
from shared.domain.stack import Stack
from tests.builders import BEN, MINUTE, NOON, SECOND, WES, alert, policy, received
from tests.story import Story, kinds, said

SETTLE = timedelta(minutes=2)


def shop(*more: Lane, **depends_on: tuple[str, ...]) -> Policy:
    """The shop's policy, in which sign-in needs the infrastructure."""
    rules = policy()
    depends_on = {"auth": ("infra",), **depends_on}
    lanes = {**rules.lanes, **{lane.id: lane for lane in more}}
    known = {
        key: replace(lane, depends_on=depends_on.get(key, lane.depends_on))
        for key, lane in lanes.items()
    }
    return replace(rules, lanes=known)


@pytest.fixture
def story() -> Story:
    """Nothing has happened yet."""
    return Story(shop())


def of(story: Story, lane: str) -> Incident:
    """The lane's incident."""
    found = story.stack.by_lane(lane)
    assert found is not None
    return found


def rings(story: Story, lane: str, kind: TimerKind) -> Decision:
    """The timer of this kind comes due for the lane's incident."""
    timer = story.timers[f"{of(story, lane).id}:{kind}"]
    story.now = max(story.now, timer.due)
    incident = story.stack.incident(timer.incident)
    event = story.due(timer)
    if incident is not None and incident.joined_lanes:
        event = replace(event, fires=story.fires(timer.incident))
    return story.take(event)


def ends(story: Story, name: str, lane: str) -> Decision:
    """The alert ends."""
    return story.reports(alert(name, lane=lane, status=AlertStatus.RESOLVED))


def resolves(story: Story, lane: str) -> Decision:
    """Nothing of the lane's own fires: its incident is checked, and resolved."""
    rings(story, lane, TimerKind.SETTLE)
    assert of(story, lane).state is State.RESOLVING
    return rings(story, lane, TimerKind.CONFIRM)


def paged(decision: Decision) -> list[str]:
    """Who is paged, for which reason."""
    orders = [action.order for action in decision.actions if action.kind is ActionKind.PAGE]
    return [
        f"{page.person}: {page.step}"
        for order in orders
        if isinstance(order, PageOrder)
        for incident in decision.stack.incidents
        if (page := incident.page(order.page)) is not None
    ]


def test_a_symptom_joins_the_incident_of_its_cause_and_wakes_nobody(story: Story) -> None:
    """Its alert is counted there, keeps its lane, and the timeline says why nobody is woken."""
    story.reports(alert())
    decision = story.reports(alert("TokensFail", lane="auth"))
    assert decision.reason is Reason.JOINED_CAUSE
    assert (kinds(decision), decision.timers) == ([], ())
    (row,) = [row for row in decision.rows if isinstance(row, AlertRow)]
    assert (row.lane, row.incident) == ("auth", story.incident.id)
    assert story.firing(story.incident.id) == 2
    text = said(decision)[TimelineKind.SYMPTOM]
    assert "TokensFail of lane auth joined" in text
    assert 'lane is "auth"' in text, "the classification stays visible"
    assert "Infra has: nobody else is woken" in text


def test_a_storm_of_symptoms_writes_the_head_once(story: Story) -> None:
    """The first alert of a lane is news; those after it only write their own row."""
    story.reports(alert())
    story.reports(alert("TokensFail", lane="auth"))
    before = story.stack
    for number in range(50):
        decision = story.reports(alert(f"TokensFail{number}", lane="auth"))
        assert decision.stack == before
        assert [type(row) for row in decision.rows] == [AlertRow]
        assert (decision.actions, decision.timers) == ((), ())


def test_a_worse_symptom_raises_the_cause_and_pages_its_owner(story: Story) -> None:
    """Whoever has the cause hears that it is worse than thought; the lane's own owner does not."""
    story.reports(alert())
    decision = story.reports(alert("TokensFail", lane="auth", severity=Severity.SEV1))
    assert decision.reason is Reason.RAISED
    assert paged(decision) == ["ben: raised"]
    assert story.incident.severity is Severity.SEV1


def test_a_lane_that_does_not_depend_on_it_joins_nothing(story: Story) -> None:
    """Triage depends on no lane, and databases do not here: each has an incident of its own."""
    story.reports(alert())
    for lane in ("unheard-of", "data"):
        assert story.reports(alert(f"Odd {lane}", lane=lane)).reason is Reason.OPENED
    assert [each.lane for each in story.stack.incidents] == ["infra", "triage", "data"]


def test_triage_may_depend_on_a_lane_too() -> None:
    """A policy may say that whatever nobody can classify goes with the infrastructure."""
    story = Story(shop(triage=("infra",)))
    story.reports(alert())
    assert story.reports(alert("Odd", lane="unheard-of")).reason is Reason.JOINED_CAUSE


def test_services_that_nobody_knows_explain_nothing(story: Story) -> None:
    """Alerts of no known stack are of services that need not have to do with each other."""
    story.stack = Stack(id="unassigned")
    story.reports(alert())
    decision = story.reports(alert("TokensFail", lane="auth"))
    assert (decision.reason, paged(decision)) == (Reason.OPENED, ["wes: opened"])
    other = Story(shop())
    other.reports(alert("TokensFail", lane="auth"))
    assert other.reports(alert()).reason is Reason.OPENED
    assert of(other, "auth").cause is not None
    other.stack = Stack(id="unassigned", incidents=(replace(of(other, "auth"), cause=None),))
    other.reports(alert("ErrorsHigh2"))
    assert of(other, "auth").cause is None


def test_lanes_depend_through_others() -> None:
    """What needs sign-in needs what sign-in needs; a circle of lanes does no harm."""
    mail = Lane(id="mail", name="Mail", owner="runtime", depends_on=("auth",))
    rules = shop(mail, infra=("mail",))
    assert rules.upstream("mail") == ("auth", "infra")
    assert rules.upstream("infra") == ("mail", "auth")
    story = Story(shop(mail))
    story.reports(alert())
    found = received(alert("MailStuck", lane="mail"))
    classified = replace(found.classification, lane="mail", team="runtime")
    decision = story.take(replace(found, classification=classified))
    assert decision.reason is Reason.JOINED_CAUSE


def test_a_cause_that_comes_after_its_symptom_takes_it_over(story: Story) -> None:
    """Both are linked, the cause's owner is paged, and the symptom's is told whose it is now."""
    story.reports(alert("TokensFail", lane="auth"))
    decision = story.reports(alert())
    assert paged(decision) == ["ben: opened"]
    auth, infra = of(story, "auth"), of(story, "infra")
    assert auth.cause is not None
    assert (auth.cause.incident, auth.cause.holds) == (infra.id, True)
    assert [each.incident for each in infra.symptoms] == [auth.id]
    texts = {row.incident: row.text for row in story.timeline if "depends on" in row.text}
    assert f"Its cause is incident {infra.id}" in texts[auth.id]
    assert f"It explains incident {auth.id}" in texts[infra.id]
    card = card_for(story.policy, auth, auth.pages[0])
    assert "Whose it is now: Infra" in " ".join(card.paragraphs)
    assert card.status == "Open: waits for its cause"


def test_nobody_is_reminded_of_a_symptom_while_its_cause_is_open(story: Story) -> None:
    """The reminder looks again later, and pages nobody; that of the cause goes on."""
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    for _ in range(3):
        decision = rings(story, "auth", TimerKind.REMIND)
        assert (decision.reason, kinds(decision)) == (Reason.WITH_CAUSE, [])
        assert [timer.kind for timer in decision.timers] == [TimerKind.REMIND]
    assert paged(rings(story, "infra", TimerKind.REMIND)) == ["ben: reminder"]


def test_a_worse_alert_of_a_waiting_symptom_pages_the_owner_of_the_cause(story: Story) -> None:
    """Its own incident is raised as well, and its own owner stays asleep."""
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    decision = story.reports(alert("NoTokens", lane="auth", severity=Severity.SEV1))
    assert paged(decision) == ["ben: raised"]
    assert {each.severity for each in story.stack.incidents} == {Severity.SEV1}


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_symptom_that_outlasts_its_cause_is_paged_again(story: Story, acknowledged: bool) -> None:
    """The cause is resolved first: the symptom's owner has it again, whoever had seen it before."""
    story.reports(alert("TokensFail", lane="auth"))
    if acknowledged:
        story.presses(WES, Choice.ACKNOWLEDGE)
    story.reports(alert())
    ends(story, "ErrorsHigh", "infra")
    decision = resolves(story, "infra")
    assert paged(decision) == ["wes: resumed"]
    auth = of(story, "auth")
    assert (auth.state, auth.acknowledged_at) == (State.OPEN, None)
    assert auth.cause is not None
    assert not auth.cause.holds
    assert f"{auth.id}:{TimerKind.REMIND}" in story.timers
    assert paged(rings(story, "auth", TimerKind.REMIND)) == ["wes: reminder"]


def test_what_had_joined_and_outlasts_the_cause_gets_an_incident_and_a_page(story: Story) -> None:
    """The cause does not wait for it; its alerts go with it, and it settles by itself."""
    story.reports(alert())
    story.reports(alert("TokensFail", lane="auth", severity=Severity.SEV3))
    infra = story.incident.id
    ends(story, "ErrorsHigh", "infra")
    decision = resolves(story, "infra")
    assert paged(decision) == ["wes: opened"]
    auth = of(story, "auth")
    assert (auth.title, auth.severity) == ("TokensFail", Severity.SEV3)
    assert "it came with incident" in auth.reasons[-1]
    assert auth.cause is not None
    assert (auth.cause.incident, auth.cause.holds) == (infra, False)
    moved = [row for row in decision.rows if isinstance(row, MovedAlert)]
    assert [(row.incident, row.lane) for row in moved] == [(auth.id, "auth")]
    assert of(story, "infra").state is State.RESOLVED
    assert [each.incident for each in of(story, "infra").symptoms] == [auth.id]
    ends(story, "TokensFail", "auth")
    resolves(story, "auth")
    assert of(story, "auth").state is State.RESOLVED


def test_what_had_joined_and_ended_with_the_cause_is_over(story: Story) -> None:
    """Nobody is woken for what is gone."""
    story.reports(alert())
    story.reports(alert("TokensFail", lane="auth"))
    ends(story, "TokensFail", "auth")
    ends(story, "ErrorsHigh", "infra")
    assert paged(resolves(story, "infra")) == []
    assert [each.lane for each in story.stack.incidents] == ["infra"]


def test_a_cause_whose_own_alerts_fire_is_not_over(story: Story) -> None:
    """Only when nothing but symptoms fires is the cause checked for its end."""
    story.reports(alert())
    story.reports(alert("TokensFail", lane="auth"))
    assert rings(story, "infra", TimerKind.SETTLE).reason is Reason.STILL_FIRING
    ends(story, "ErrorsHigh", "infra")
    rings(story, "infra", TimerKind.SETTLE)
    story.reports(alert("ErrorsHigh2"))
    assert of(story, "infra").state is State.OPEN


def test_a_symptom_that_begins_while_the_cause_is_nearly_over_is_its_owners(story: Story) -> None:
    """Nothing of the cause fires any more: what fails now is news, and somebody is woken for it."""
    story.reports(alert())
    ends(story, "ErrorsHigh", "infra")
    rings(story, "infra", TimerKind.SETTLE)
    assert paged(story.reports(alert("TokensFail", lane="auth"))) == ["wes: opened"]


def test_a_symptom_that_begins_after_the_cause_was_mitigated_is_its_owners(story: Story) -> None:
    """The rollback took effect before: it cannot be what the rollback cured."""
    story.reports(alert())
    healed = replace(story.incident, state=State.MITIGATED, mitigated_at=NOON + MINUTE)
    story.stack = story.stack.with_incident(healed)
    late = alert("TokensFail", lane="auth", starts_at=NOON + 2 * MINUTE)
    assert story.reports(alert("Tokens", lane="auth")).reason is Reason.JOINED_CAUSE
    assert paged(story.reports(late)) == ["wes: opened"]


def test_a_cause_that_fires_again_takes_its_symptom_over_again(story: Story) -> None:
    """Reopened, it explains what was left of it."""
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    ends(story, "ErrorsHigh", "infra")
    resolves(story, "infra")
    story.later(MINUTE)
    decision = story.reports(alert(starts_at=story.now))
    assert decision.reason is Reason.REOPENED
    cause = of(story, "auth").cause
    assert cause is not None
    assert cause.holds
    assert rings(story, "auth", TimerKind.REMIND).reason is Reason.WITH_CAUSE


def test_a_lane_that_was_resolved_joins_a_cause_that_is_open(story: Story) -> None:
    """Its own incident is not reopened for what the cause explains."""
    story.reports(alert("TokensFail", lane="auth"))
    ends(story, "TokensFail", "auth")
    resolves(story, "auth")
    story.reports(alert())
    again = alert("TokensFail", lane="auth", starts_at=NOON + 5 * MINUTE)
    assert story.reports(again).reason is Reason.JOINED_CAUSE
    ends(story, "ErrorsHigh", "infra")
    decision = resolves(story, "infra")
    assert paged(decision) == ["wes: resumed"]
    assert of(story, "auth").state is State.OPEN


def test_only_who_was_paged_explains_anything(story: Story) -> None:
    """A rollback that somebody asked for woke approvers, and nobody to deal with a failure."""
    story.asks(BEN, Choice.ROLLBACK, "it is slow")
    assert paged(story.reports(alert("TokensFail", lane="auth"))) == ["wes: opened"]


def test_a_cause_that_is_gone_without_an_end_leaves_nobody_silent(story: Story) -> None:
    """Whatever became of it: the next reminder notices, and pages."""
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    story.stack = story.stack.without(of(story, "infra").id)
    decision = rings(story, "auth", TimerKind.REMIND)
    assert (decision.reason, paged(decision)) == (Reason.RESUMED, ["wes: resumed"])


def test_a_symptom_of_two_causes_waits_for_the_other(story: Story) -> None:
    """While one of them is open nobody else is woken."""
    story.policy = shop(auth=("infra", "data"))
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    story.reports(alert("DiskFull", lane="data"))
    ends(story, "ErrorsHigh", "infra")
    assert paged(resolves(story, "infra")) == []
    cause = of(story, "auth").cause
    assert cause is not None
    assert (cause.incident, cause.holds) == (of(story, "data").id, True)


def test_what_joined_goes_on_to_another_cause(story: Story) -> None:
    """Of two causes the one that is over hands its symptoms to the other."""
    story.policy = shop(auth=("infra", "data"))
    story.reports(alert())
    story.reports(alert("DiskFull", lane="data"))
    story.reports(alert("TokensFail", lane="auth"))
    ends(story, "ErrorsHigh", "infra")
    assert paged(resolves(story, "infra")) == []
    assert story.firing(of(story, "data").id) == 2


def test_a_person_who_ends_the_cause_does_not_end_its_symptoms(story: Story) -> None:
    """What joined from another lane is not theirs to end: it goes to its own owner."""
    story.reports(alert())
    story.reports(alert("TokensFail", lane="auth"))
    story.presses(BEN, Choice.ACKNOWLEDGE)
    assert story.presses(BEN, Choice.RESOLVE).reason is Reason.REFUSED
    story.later(SECOND)
    assert story.presses(BEN, Choice.RESOLVE).reason is Reason.CARRIED_OUT
    assert [row.lane for row in story.fires(story.incident.id)] == ["auth"]
    assert paged(rings(story, "infra", TimerKind.CONFIRM)) == ["wes: opened"]
    assert of(story, "infra").state is State.RESOLVED


def test_more_symptoms_than_one_commit_holds_are_handed_over_bit_by_bit(story: Story) -> None:
    """The cause is resolved once the last of them has its own incident."""
    story.reports(alert())
    for number in range(3):
        story.reports(alert(f"TokensFail{number}", lane="auth"))
    ends(story, "ErrorsHigh", "infra")
    rings(story, "infra", TimerKind.SETTLE)
    decisions = []
    for left in (3, 1):
        timer = story.timers[f"{of(story, 'infra').id}:{TimerKind.CONFIRM}"]
        story.now = max(story.now, timer.due)
        fires = story.fires(timer.incident)
        assert len(fires) == left
        decisions.append(story.take(replace(story.due(timer), fires=fires[:2])))
    assert [each.reason for each in decisions] == [Reason.HANDED_OVER, Reason.RESOLVED]
    assert [paged(each) for each in decisions] == [["wes: opened"], []]


def test_merging_a_cause_into_its_symptom_leaves_nobody_silent(story: Story) -> None:
    """An incident never waits for itself: it is its owner's again."""
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    story.later(MINUTE)
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="there is none"))
    auth, infra = of(story, "auth"), of(story, "infra")
    decision = story.instructs(WES, Choice.MERGE, incident=infra.id, into=auth.id)
    assert decision.reason is Reason.CARRIED_OUT
    merged = story.incident
    assert (merged.id, merged.cause is not None and merged.cause.holds) == (auth.id, False)
    assert paged(rings(story, "auth", TimerKind.REMIND)) == ["wes: reminder"]


def test_a_symptom_that_is_moved_to_another_lane_is_that_lanes(story: Story) -> None:
    """Whoever gets it is paged once, and it waits for nothing."""
    story.reports(alert("TokensFail", lane="auth"))
    story.reports(alert())
    auth = of(story, "auth").id
    decision = story.instructs(WES, Choice.LANE, incident=auth, lane="data")
    assert paged(decision) == ["ben: handed-over"]
    cause = of(story, "data").cause
    assert cause is not None
    assert not cause.holds


def test_the_page_that_resumes_has_a_headline() -> None:
    """A page that resumes says so in its headline."""
    story = Story(shop())
    story.reports(alert("TokensFail", lane="auth"))
    auth = of(story, "auth")
    page = replace(auth.pages[0], step=PageStep.RESUMED)
    card = card_for(story.policy, auth, page)
    assert card.headline == "Its cause is over, and it is not: TokensFail"


def test_what_joined_is_its_own_once_a_person_says_it_is_of_that_lane(story: Story) -> None:
    """Moved to the lane of what had joined it, it goes on until that ends as well."""
    story.reports(alert())
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="nothing to go back to"))
    story.reports(alert("SignInFails", lane="auth"))
    story.instructs(WES, Choice.LANE, incident=of(story, "infra").id, lane="auth")
    ends(story, "ErrorsHigh", "infra")
    assert rings(story, "auth", TimerKind.SETTLE).reason is Reason.STILL_FIRING
    assert story.firing(of(story, "auth").id) == 1


def lunch_of_infra() -> Policy:
    """Infra's pages wait over lunch; those of nobody else do."""
    hours = WeeklyHours(zone="UTC", start=time(11), end=time(14))
    return replace(
        shop(),
        quiet_hours=(QuietHours(severities=(Severity.SEV3,), hours=hours, teams=("infra",)),),
    )


def test_a_cause_that_is_only_shown_silences_no_symptom_that_follows() -> None:
    """Its owner sleeps: whoever has sign-in is paged."""
    story = Story(lunch_of_infra())
    story.reports(alert(severity=Severity.SEV3))
    story.reports(alert("Tokens", lane="auth", severity=Severity.SEV3))
    assert [page.wakes for page in of(story, "infra").pages] == [False]
    assert [(page.person, page.wakes) for page in of(story, "auth").pages] == [("wes", True)]


def test_a_cause_that_is_only_shown_silences_no_symptom_that_was_there() -> None:
    """Sign-in is reminded of, until the cause's owner is woken."""
    story = Story(lunch_of_infra())
    story.reports(alert("Tokens", lane="auth", severity=Severity.SEV3))
    story.reports(alert(severity=Severity.SEV3))
    assert rings(story, "auth", TimerKind.REMIND).reason is Reason.REMINDED
    while of(story, "infra").held:
        rings(story, "infra", TimerKind.REMIND)
    assert rings(story, "auth", TimerKind.REMIND).reason is Reason.WITH_CAUSE


def test_a_cause_that_fires_again_and_is_only_shown_silences_no_symptom() -> None:
    """Whoever was paged about it before lunch counts it as over."""
    story = Story(lunch_of_infra())
    story.now = NOON - 65 * MINUTE
    story.reports(alert(severity=Severity.SEV3, starts_at=story.now))
    assert of(story, "infra").pages[0].wakes
    story.delivers(story.last(ActionKind.PAGE))
    story.reports(alert(severity=Severity.SEV3, starts_at=story.now, status=AlertStatus.RESOLVED))
    rings(story, "infra", TimerKind.SETTLE)
    rings(story, "infra", TimerKind.CONFIRM)
    story.later(20 * MINUTE)
    story.reports(alert(severity=Severity.SEV3, starts_at=story.now))
    assert of(story, "infra").held
    story.reports(alert("Tokens", lane="auth", severity=Severity.SEV3, starts_at=story.now))
    assert [(page.person, page.wakes) for page in of(story, "auth").pages] == [("wes", True)]
