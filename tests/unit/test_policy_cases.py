"""Timelines and cases as people write them, and what is said about those that are wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from shared.app.play.judge import judge
from shared.bootstrap.play import play
from shared.config import SHIPPED_POLICY
from shared.domain.expectation import Case, Mismatch
from shared.policy import PolicyError, load
from shared.policy.timeline.build import START, since
from shared.policy.timeline.cases import ENDING, read_cases
from shared.policy.timeline.read import read_timeline
from shared.wire.alerts import parse_any

SHIPPED = load(SHIPPED_POLICY)
CASES = read_cases(Path(SHIPPED_POLICY).with_suffix(ENDING)).against(SHIPPED, parse_any)
FAILS = "{labels: {alertname: CloudRunRequestsFail, service: oa-convex-backend-nonprod, severity: critical}}"

_WRONG_ENTRIES = [
    ('{"alert": {"labels": {"a": "b"}}, "at": "5x"}', "at must be a time since the beginning"),
    ('{"allert": {"labels": {"a": "b"}}}', "'allert' is not known here; did you mean alert?"),
    ('{"alert": {"labels": {}}}', "this is no alert: the alert has no labels"),
    ('{"at": "+1m"}', "the entry says nothing; it needs one of alert, ends,"),
    ('{"end": true, "approve": "ines"}', "the entry says approve already; give end an entry"),
    ('{"approve": "inez"}', "there is no 'inez' in people of the policy; did you mean ines?"),
    ('{"deploy": {"service": "oa-convex"}}', "there is no 'oa-convex' in the stacks of the policy"),
    ('{"deploy": {"service": "x", "share": 0}}', "a percentage from 1 to 100"),
    ('{"ask": {"by": "ines", "wish": "dance"}}', "wish must be one of acknowledge"),
    ("{nonsense", "this is not YAML"),
]
_WRONG_CASES = [
    ("cases: [{name: a, given: [], then: [{lane: infra}]}]", "nothing happens; give at least one"),
    ("cases: [{name: a, given: [{end: true}], then: []}]", "nothing is expected; say what should"),
    ("cases: [{name: a, given: [{end: true}], then: [{at: 1m}]}]", "nothing is expected; say one"),
    (
        "cases: [{name: a, given: [{end: true}], then: [{rollback: perhaps}]}]",
        "rollback must be one of none, automatic",
    ),
    ("cases: [{name: a, given: [{end: true}], then: [{stat: open}]}]", "did you mean state?"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_shipped_policy_does_what_its_cases_say(case: Case) -> None:
    """Every case beside the shipped policy passes."""
    assert judged(case) == ()


def judged(case: Case) -> tuple[Mismatch, ...]:
    """What is not as the case of the shipped policy expects."""
    return judge(case, play(SHIPPED, case.given, case.start), partial(since, case.start))


def written(folder: Path, text: str) -> tuple[Case, ...]:
    """The cases of this text, checked against the shipped policy."""
    file = folder / "mine.test.yaml"
    file.write_text(text, encoding="utf-8")
    return read_cases(file).against(SHIPPED, parse_any)


@pytest.mark.parametrize(("line", "fault"), _WRONG_ENTRIES)
def test_wrong_entry_is_named_by_its_line(line: str, fault: str) -> None:
    """Each fault of an entry comes as file and line, what is wrong, and what would be right."""
    with pytest.raises(PolicyError) as wrong:
        read_timeline(f'# a comment\n{{"end": true}}\n{line}\n', "t.jsonl", SHIPPED, parse_any)
    assert any(
        str(each).startswith("t.jsonl:3: ") and fault in str(each) for each in wrong.value.faults
    )


def test_all_faults_of_a_timeline_come_at_once() -> None:
    """Two wrong lines are two faults, each with its line."""
    with pytest.raises(PolicyError) as wrong:
        read_timeline('{"approve": "x"}\n\n{"reject": "y"}', "t.jsonl", SHIPPED, parse_any)
    assert [each.line for each in wrong.value.faults] == [1, 3]


def test_empty_timeline_is_a_fault() -> None:
    """A file in which nothing happens is no timeline."""
    with pytest.raises(PolicyError, match="the timeline is empty"):
        read_timeline("# only a comment\n", "t.jsonl", SHIPPED, parse_any)


def test_timeline_begins_when_it_says() -> None:
    """Times count from the clock of the first line, and instants are what they are."""
    text = '{"clock": "2026-05-01T08:00:00Z"}\n{"at": "+90s", "end": true}\n{"at": "2026-05-01T08:05:00Z", "end": true}'
    start, steps = read_timeline(text, "t.jsonl", SHIPPED, parse_any)
    assert start.isoformat() == "2026-05-01T08:00:00+00:00"
    assert [since(start, step.at) for step in steps] == ["+1m30s", "+5m"]


def test_timeline_without_a_clock_begins_at_noon() -> None:
    """Where nobody says, it is a Monday at noon: nobody is asleep."""
    start, _ = read_timeline('{"end": true}', "t.jsonl", SHIPPED, parse_any)
    assert (start, start.weekday()) == (START, 0)


@pytest.mark.parametrize(("text", "fault"), _WRONG_CASES)
def test_wrong_case_is_named_by_its_line(tmp_path: Path, text: str, fault: str) -> None:
    """Each fault of a case comes as file and line, what is wrong, and what would be right."""
    with pytest.raises(PolicyError) as wrong:
        written(tmp_path, f"\n{text}\n")
    assert any(each.line == 2 and fault in each.text for each in wrong.value.faults)


def test_names_in_cases_are_those_of_the_policy(tmp_path: Path) -> None:
    """A case that lets a stranger approve is wrong, at the line where it does."""
    text = "cases:\n  - name: a\n    given:\n      - approve: nobody\n    then: [{incidents: 0}]\n"
    with pytest.raises(PolicyError) as wrong:
        written(tmp_path, text)
    assert [each.line for each in wrong.value.faults] == [4]


@pytest.mark.parametrize(
    ("then", "what", "got"),
    [
        ("lane: auth", "lane", "infra"),
        ("severity: sev4", "severity", "sev1"),
        ("rule: other", "rule", "convex-service"),
        ("state: resolved", "state", "open"),
        ("paged: []", "paged", "ines@+5m"),
        ("paged: [ines@+6m]", "paged", "ines@+5m"),
        ("notified: ['#oncall-web']", "notified", "#incident-command, #product"),
        ("rollback: none", "rollback", "proposed"),
        ("verdict: recovered", "verdict", "none"),
        ("frozen: false", "frozen", "true"),
        ("incidents: 2", "incidents", "1 (convex/infra)"),
        ("says: [hello]", "says", "nothing like it"),
        ("{of: auth, state: open}", "of", "none"),
    ],
)
def test_mismatch_says_what_was_expected_and_what_came(
    tmp_path: Path, then: str, what: str, got: str
) -> None:
    """Everything that a case can expect can fail, with what came instead and where it stands."""
    entry = then if then.startswith("{") else f"{{{then}}}"
    text = f"cases:\n  - name: a\n    given: [{{at: 5m, alert: {FAILS}}}]\n    then:\n      - {entry}\n"
    (case,) = written(tmp_path, text)
    (mismatch,) = judged(case)
    assert (mismatch.what, mismatch.got, mismatch.line) == (what, got, 5)


def test_mismatch_says_why(tmp_path: Path) -> None:
    """Where an alert went elsewhere, the reasons of the classification are given."""
    text = f"cases: [{{name: a, given: [{{alert: {FAILS}}}], then: [{{lane: auth}}]}}]"
    (case,) = written(tmp_path, text)
    (mismatch,) = judged(case)
    assert "a Convex service reports it" in mismatch.why


def test_cases_name_their_policy_or_stand_beside_it(tmp_path: Path) -> None:
    """`NAME.test.yaml` is about `NAME.yaml`, unless it names another."""
    file = tmp_path / "mine.test.yaml"
    cases = "cases: [{name: a, given: [{end: true}], then: [{incidents: 0}]}]\n"
    file.write_text(cases, encoding="utf-8")
    assert read_cases(file).policy == tmp_path / "mine.yaml"
    file.write_text("policy: other.yaml\n" + cases, encoding="utf-8")
    assert read_cases(file).policy == tmp_path / "other.yaml"
