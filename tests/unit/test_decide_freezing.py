"""Sev1, or a blast radius beyond the canary cohort: told, frozen, in one decision; then reviewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.action import ActionKind, NoticeOrder
from shared.domain.alert import AlertStatus
from shared.domain.classify import classify
from shared.domain.decision import Decision, Reason
from shared.domain.event import TimerKind
from shared.domain.incident import TimelineKind
from shared.domain.lane import Matcher, MatchOp, SeverityRule
from shared.domain.ledger import Good, ServiceRecord
from shared.domain.paging import Choice
from shared.domain.policy import Policy
from shared.domain.rollback import NoPlan, Split, TrafficTarget
from shared.domain.severity import Severity
from tests.builders import BACKEND, BEN, LATEST, MINUTE, NOON, WES, alert, policy
from tests.story import Story, kinds, said

SEV1 = Severity.SEV1


def told() -> Policy:
    """The shop's policy, in which two teams are told of what is as bad as that."""
    return replace(policy(), notify=("web", "runtime"))


@pytest.fixture
def story() -> Story:
    """Nothing has happened yet."""
    return Story(told())


def seen(story: Story, traffic: Split = LATEST, **changes: object) -> None:
    """The backend was looked at a moment ago, and this is what was found."""
    facts: dict[str, object] = {
        "service": BACKEND,
        "traffic": traffic,
        "seen_at": story.now,
        "main": f"{BACKEND}-bad",
    }
    record = ServiceRecord(**{**facts, **changes})  # type: ignore[arg-type]  # takes any field
    story.stack = story.stack.with_record(record)


def canary(percent: int) -> Split:
    """The new revision has this share, and the old one the rest."""
    new = TrafficTarget(percent=percent, revision=f"{BACKEND}-new")
    return (TrafficTarget(percent=100 - percent, revision=f"{BACKEND}-bad"), new)


def notices(decision: Decision) -> list[str]:
    """The channels in which something is said."""
    orders = [action.order for action in decision.actions]
    return [order.channel for order in orders if isinstance(order, NoticeOrder)]


def reviewed(story: Story) -> Decision:
    """Its alert ends, it is resolved, and Ben reviews it."""
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    return story.instructs(BEN, Choice.REVIEW, incident=story.incident.id, text="too fast")


def test_sev1_is_paged_told_frozen_and_planned_in_one_decision(story: Story) -> None:
    """One commit has all of it, so that nothing of it can be lost."""
    decision = story.reports(alert(severity=SEV1))
    assert notices(decision) == ["#web", "#runtime"]
    assert {ActionKind.PAGE, ActionKind.PLAN} <= set(kinds(decision))
    (freeze,) = decision.stack.freezes
    assert (freeze.incident, freeze.since) == (story.incident.id, NOON)
    assert "frozen until this is reviewed: it is sev1" in said(decision)[TimelineKind.FROZEN]
    assert said(decision)[TimelineKind.NOTIFIED] == "Web and Runtime told, because it is sev1"


def test_what_is_less_bad_is_only_paged(story: Story) -> None:
    """Sev2, with no revision that anybody has looked at: nobody else hears of it."""
    decision = story.reports(alert())
    assert (notices(decision), decision.stack.freezes) == ([], ())


def test_an_alert_that_raises_it_later_leads_to_the_same_once(story: Story) -> None:
    """A worse alert joins: told and frozen then; a third changes nothing any more."""
    story.reports(alert())
    decision = story.reports(alert("NothingWorks", severity=SEV1))
    assert (decision.reason, notices(decision)) == (Reason.RAISED, ["#web", "#runtime"])
    assert len(decision.stack.freezes) == 1
    before = story.stack
    assert story.reports(alert("Nothing", severity=SEV1)).stack == before


def test_a_person_who_raises_it_freezes_it_too(story: Story) -> None:
    """It does not matter who says how bad it is."""
    story.reports(alert())
    asked = {"incident": story.incident.id, "text": "all are affected"}
    decision = story.instructs(BEN, Choice.SEVERITY, severity=SEV1, **asked)
    assert notices(decision) == ["#web", "#runtime"]
    assert len(decision.stack.freezes) == 1


def test_a_suspect_with_more_than_a_canarys_share_is_beyond_the_cohort(story: Story) -> None:
    """The revision took over lately: raised, with the reason, told and frozen with its share."""
    seen(story, main_since=NOON - 20 * MINUTE)
    decision = story.reports(alert(severity=Severity.SEV3))
    assert story.incident.severity is Severity.SEV2
    assert "100 % of shop-backend since 11:40:00" in story.incident.reasons[-1]
    assert notices(decision) == ["#web", "#runtime"]
    (freeze,) = decision.stack.freezes
    assert [each.in_words() for each in freeze.shares] == [
        "shop-backend: 100 % LATEST (shop-backend-bad)"
    ]


@pytest.mark.parametrize(("share", "beyond"), [(10, False), (11, True)])
def test_a_canary_within_its_cohort_is_no_more_than_that(
    story: Story, share: int, beyond: bool
) -> None:
    """Exposure is the suspect's share: as many as the canary may have are no reason for more."""
    seen(story, canary(share), moved_at=NOON - 5 * MINUTE)
    decision = story.reports(alert(severity=Severity.SEV3))
    assert bool(decision.stack.freezes) is beyond
    assert story.incident.severity is (Severity.SEV2 if beyond else Severity.SEV3)


def test_a_canary_that_grows_while_it_fires_is_answered_then(story: Story) -> None:
    """The next alert that joins finds it beyond the cohort."""
    seen(story, canary(5), moved_at=NOON - 5 * MINUTE)
    story.reports(alert(severity=Severity.SEV3))
    story.later(MINUTE)
    seen(story, canary(50), moved_at=story.now)
    decision = story.reports(alert("More", severity=Severity.SEV3))
    assert (decision.reason, len(decision.stack.freezes)) == (Reason.RAISED, 1)


def test_without_a_suspect_it_is_told_and_nothing_is_frozen(story: Story) -> None:
    """Nothing was moved within two hours: everybody is exposed, to nothing that could be held back."""
    seen(story, main_since=NOON - timedelta(hours=3))
    decision = story.reports(alert())
    assert (notices(decision), decision.stack.freezes) == (["#web", "#runtime"], ())
    assert "no traffic was seen to move lately" in story.incident.reasons[-1]


def test_without_a_suspect_only_what_is_critical_counts(story: Story) -> None:
    """A warning on a service that nobody touched stays a warning."""
    seen(story)
    assert notices(story.reports(alert(severity=Severity.SEV3))) == []


def test_a_revision_that_had_proved_itself_is_no_suspect(story: Story) -> None:
    """What traffic went back to lately is known to be good."""
    proof = Good(
        revision=f"{BACKEND}-bad", digest="", proven_at=NOON - timedelta(days=1), requests=9
    )
    seen(story, main_since=NOON - 5 * MINUTE, good=(proof,))
    assert story.reports(alert(severity=Severity.SEV3)).stack.freezes == ()


def test_a_frozen_rollout_stays_so_when_all_is_calm_again(story: Story) -> None:
    """Drills that move traffic are refused until somebody has reviewed what happened."""
    story.reports(alert(severity=SEV1))
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="there is none"))
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    refused = story.asks(BEN, Choice.DRILL, "rollback --apply")
    assert refused.reason is Reason.REFUSED
    assert "the rollout is frozen since 2026-03-01 12:00 UTC" in story.drills[-1].text
    assert story.asks(BEN, Choice.DRILL, "rollback").reason is Reason.DRILL_PLANNED


def test_a_review_ends_the_freeze(story: Story) -> None:
    """Recorded, said in the channel, and the rollout may go on."""
    story.reports(alert(severity=SEV1))
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="there is none"))
    decision = reviewed(story)
    assert decision.stack.freezes == ()
    assert said(decision)[TimelineKind.UNFROZEN] == "The rollout of The shop may go on"
    assert notices(decision) == ["#infra"]
    assert story.asks(BEN, Choice.DRILL, "rollback --apply").reason is Reason.DRILL_PLANNED


def test_each_incident_holds_a_freeze_of_its_own(story: Story) -> None:
    """The review of one leaves the other's."""
    story.reports(alert("TokensFail", lane="auth", severity=SEV1))
    auth = story.incident.id
    story.reports(alert(severity=SEV1))
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="there is none"))
    assert [each.incident for each in story.stack.freezes] == [
        each.id for each in story.stack.incidents
    ]
    infra = next(each for each in story.stack.incidents if each.id != auth)
    over = replace(infra, state=type(infra.state).RESOLVED, resolved_at=NOON)
    story.stack = story.stack.with_incident(over)
    decision = story.instructs(BEN, Choice.REVIEW, incident=infra.id, text="too fast")
    assert [each.incident for each in decision.stack.freezes] == [auth]
    assert "yet the rollout is frozen" in said(decision)[TimelineKind.UNFROZEN]


def test_what_holds_a_freeze_waits_for_its_review(story: Story) -> None:
    """It stays at hand past the reopen window, or nobody could ever lift the freeze."""
    story.reports(alert(severity=SEV1))
    story.finishes(story.last(ActionKind.PLAN), NoPlan(reason="there is none"))
    story.delivers_all()
    story.reports(alert(status=AlertStatus.RESOLVED))
    story.rings(TimerKind.SETTLE)
    story.rings(TimerKind.CONFIRM)
    story.rings(TimerKind.FORGET)
    (kept,) = story.stack.incidents
    assert kept.aside
    done = story.instructs(BEN, Choice.REVIEW, incident=kept.id, text="too fast")
    assert (done.stack.freezes, done.stack.incidents) == ((), ())


def test_a_merged_incidents_freeze_goes_with_it(story: Story) -> None:
    """Whoever reviews what it went into lifts it."""
    story.reports(alert("TokensFail", lane="auth", severity=SEV1))
    story.reports(alert("DiskFull", lane="data"))
    auth, data = (story.stack.by_lane(lane) for lane in ("auth", "data"))
    assert auth is not None
    assert data is not None
    story.instructs(WES, Choice.MERGE, incident=auth.id, into=data.id)
    assert {each.incident for each in story.stack.freezes} == {data.id}


def test_rules_raise_the_severity_and_say_why() -> None:
    """The worst of sender, route and rules; a rule never makes anything less bad."""

    def rule(value: str, severity: Severity) -> SeverityRule:
        matcher = Matcher(name="service", op=MatchOp.EQUAL, value=value)
        return SeverityRule(matchers=(matcher,), severity=severity, why="everybody signs in there")

    rules = (rule(BACKEND, Severity.SEV4), rule(BACKEND, SEV1), rule("another", SEV1))
    found = classify(replace(policy(), severity_rules=rules), alert())
    assert found.severity is SEV1
    assert found.reasons[-2:] == (
        "sev2 because the sender says so",
        "sev1 because everybody signs in there",
    )
    assert classify(replace(policy(), severity_rules=rules[:1]), alert()).severity is Severity.SEV2
