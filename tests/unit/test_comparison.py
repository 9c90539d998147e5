"""Two policies on one recording: what changes for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.app.play.play import Play
from shared.app.play.treat import changes
from shared.bootstrap.play import play
from shared.domain.comparison import LATE, Change, Difference, Treatment, compare
from shared.domain.play import Step, Told
from shared.domain.policy import Policy
from shared.domain.severity import Severity
from tests.builders import MINUTE, NOON, alert, policy

BEN = Treatment(
    lane="infra", stack="shop", severity=Severity.SEV3, reasons=("because",), paged=("ben",)
)


def changed(old: Treatment, new: Treatment, said: Severity | None = None) -> Change:
    """What changes between the two."""
    change = compare(1, "ErrorsHigh", said, old, new)
    assert change is not None
    return change


@pytest.mark.parametrize(
    ("new", "difference"),
    [
        (replace(BEN, lane="auth"), Difference.LANE),
        (replace(BEN, stack="other"), Difference.STACK),
        (replace(BEN, severity=Severity.SEV4), Difference.SEVERITY),
        (replace(BEN, paged=()), Difference.PAGE_LOST),
        (replace(BEN, paged=("ana",)), Difference.PAGE_MOVED),
        (replace(BEN, waited=LATE), Difference.PAGE_LATE),
        (replace(BEN, rollback="automatic"), Difference.ROLLBACK),
    ],
)
def test_each_difference_is_named(new: Treatment, difference: Difference) -> None:
    """Whatever differs is named once, and nothing else is."""
    assert changed(BEN, new).differences == (difference,)


def test_page_that_was_not_there_before_is_gained() -> None:
    """A page more is told as well: somebody will be woken by it."""
    assert changed(replace(BEN, paged=()), BEN).differences == (Difference.PAGE_GAINED,)


def test_same_treatment_is_no_change() -> None:
    """Other reasons alone change nothing for anybody."""
    assert compare(1, "x", None, BEN, replace(BEN, reasons=("another",))) is None


@pytest.mark.parametrize(
    ("old", "said", "lost"),
    [
        (Severity.SEV1, None, True),
        (Severity.SEV2, None, True),
        (Severity.SEV3, Severity.SEV1, True),
        (Severity.SEV3, Severity.SEV3, False),
    ],
)
def test_page_for_something_critical_is_not_lost_quietly(
    old: Severity, said: Severity | None, lost: bool
) -> None:
    """A lost page counts where either policy or the sender calls the alert critical."""
    before = replace(BEN, severity=old)
    assert changed(before, replace(before, paged=()), said).lost is lost


def test_page_to_another_person_is_not_lost() -> None:
    """Somebody is woken, if not the same."""
    sev1 = replace(BEN, severity=Severity.SEV1)
    assert not changed(sev1, replace(sev1, paged=("ana",))).lost


def test_page_that_comes_much_later_is_as_good_as_lost() -> None:
    """A quarter of an hour, and for a critical alert; less is not late."""
    sev1 = replace(BEN, severity=Severity.SEV1)
    assert changed(sev1, replace(sev1, waited=LATE)).lost
    assert compare(1, "x", None, sev1, replace(sev1, waited=LATE - timedelta(seconds=1))) is None


def test_plays_are_compared_alert_by_alert() -> None:
    """Two plays of one recording differ in the alert whose lane has another owner, and no other."""
    found = list(changes(*(recorded(rules) for rules in (policy(), handed_over()))))
    ((only, line),) = [(change, change.line) for change in found]
    assert (line, only.differences) == (2, (Difference.PAGE_MOVED,))
    assert (only.old.paged, only.new.paged) == (("wes",), ("ana",))


def test_alert_that_joins_has_those_who_were_called_for_its_incident() -> None:
    """An alert that wakes nobody because its incident has somebody already loses no page."""
    found = list(changes(recorded(policy()), recorded(policy())))
    assert found == []


def handed_over() -> Policy:
    """The shop's policy, in which the runtime team owns sign-in."""
    rules = policy()
    lanes = {**rules.lanes, "auth": replace(rules.lanes["auth"], owner="runtime")}
    return replace(rules, lanes=lanes)


def recorded(rules: Policy) -> Play:
    """The recording, played under a policy."""
    alerts = (alert("A"), alert("B", lane="auth"), alert("C", severity=Severity.SEV3))
    steps = [
        Step(at=NOON + MINUTE * minute, what=Told(alert=each), line=minute + 1)
        for minute, each in enumerate(alerts)
    ]
    made = play(rules, steps, NOON)
    made.run()
    return made
