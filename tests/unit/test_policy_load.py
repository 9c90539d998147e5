from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy import Remediation
from shared.domain.severity import Severity
from shared.policy import PolicyError, load, loads
from tests.builders import NOON

SHIPPED = Path(__file__).parents[2] / "infra/policies/convex.yaml"

SMALL = """\
version: 1
people:
  ana: {name: Ana, slack: U0ANA00001}
teams:
  ops: {channel: "#ops", on_call: ana, members: [ana]}
stacks:
  shop:
    project: p
    region: r
    services:
      shop-front:
        health:
          - {path: /}
lanes:
  triage: {owner: ops}
  infra: {owner: ops, remediation: rollback}
routes:
  - id: front
    lane: infra
    match: ['service="shop-front"']
    why: the shop reports it
"""


def faults(text: str) -> list[str]:
    """What is wrong with this file."""
    with pytest.raises(PolicyError) as caught:
        loads(text, "policy.yaml")
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    return str(caught.value).splitlines()


def test_a_small_policy_is_short_and_has_sensible_defaults() -> None:
    """A policy for one service fits 25 lines; the rest has defaults."""
    policy = loads(SMALL, "policy.yaml")
    assert SMALL.count("\n") <= 25
    assert policy.timing.settle == timedelta(minutes=2)
    assert policy.default_severity is Severity.SEV3
    (service,) = policy.stack("shop").services
    assert service.resource == "projects/p/locations/r/services/shop-front"
    assert service.health[0].expect_status == (200,)
    assert policy.lane("infra").remediation is Remediation.ROLLBACK
    assert policy.on_call(policy.owner("infra"), NOON).people == ("ana",)


def test_the_shipped_policy_is_what_the_runbook_says() -> None:
    """Services, health checks, environment, owners and the RTO are the first user's."""
    policy = load(SHIPPED)
    stack = policy.stack("convex")
    backend, dashboard = stack.services
    assert backend.resource == (
        "projects/openagentsgemini/locations/us-central1/services/oa-convex-backend-nonprod"
    )
    assert (backend.health[0].path, backend.health[0].non_empty) == ("/version", True)
    assert dashboard.health[0].expect_status == (200, 302)
    assert backend.required_env["REDACT_LOGS_TO_CLIENT"] == "true"
    assert backend.required_env["POSTGRES_URL"] is None
    assert set(dashboard.required_env) == {
        "NEXT_PUBLIC_DEPLOYMENT_URL",
        "NEXT_PUBLIC_LOAD_MONACO_INTERNALLY",
    }
    assert stack.rollback.approvers == ("infra", "commanders")
    assert stack.rollback.rto_target == timedelta(minutes=5)
    owners = {lane: policy.owner(lane).channel for lane in policy.lanes}
    assert owners == {
        "projector": "#oncall-runtime",
        "infra": "#oncall-infra",
        "auth": "#oncall-web",
        "triage": "#oncall-runtime",
    }
    assert {"commanders", "product"} <= set(policy.teams)
    assert all(len(team.members) >= 2 for team in policy.teams.values())
    assert all(person.slack for person in policy.people.values())


def test_only_approvers_may_approve() -> None:
    """Infra and commanders approve rollbacks of the shipped stack; runtime does not."""
    policy = load(SHIPPED)
    allowed = {p.id for p in policy.people.values() if policy.may_approve("convex", p, NOON)}
    members = policy.teams["infra"].members + policy.teams["commanders"].members
    assert allowed == set(members)


@pytest.mark.parametrize(
    ("find", "replace", "fault"),
    [
        (
            "version: 1",
            "version: 2",
            "1: version must be 1, the only one that this Switchman reads, not '2': "
            "write version: 1, or use the Switchman it was written for",
        ),
        ("name: Ana", "nam: Ana", "3: 'nam' is not known here; did you mean name?"),
        (
            "U0ANA00001",
            "ana",
            "3: people.ana.slack must be a Slack member id such as U024BE7LH, not 'ana'",
        ),
        ("on_call: ana", "on_call: anna", "5: there is no 'anna' in people; did you mean ana?"),
        (
            '"#ops"',
            "ops",
            '5: teams.ops.channel must be a Slack channel such as "#oncall" '
            "(in quotes: a bare # starts a comment), not 'ops'",
        ),
        ("    region: r\n", "", "7: stacks.shop lacks region: "),
        ("path: /", "path: version", "must be a path that starts with /, not 'version'"),
        ("owner: ops, rem", "owner: op, rem", "16: there is no 'op' in teams; did you mean ops?"),
        (
            "rollback}",
            "rolback}",
            "16: lanes.infra.remediation must be one of none, rollback, projection_rebuild, "
            "not 'rolback'",
        ),
        ("  triage:", "  triag:", "14: there is no 'triage' in lanes; did you mean triag?"),
        ("lane: infra", "lane: infr", "19: there is no 'infr' in lanes; did you mean infra?"),
        ('service="shop-front"\'', "service'", "20: 'service' is not a matcher; write it like"),
        (
            'service="shop-front"',
            'service=~"(?=a)"',
            "20: '(?=a)' cannot be used: it looks ahead or behind, which RE2 does not do",
        ),
        ("people:", "timing: {settle: 5}\npeople:", "2: timing.settle must be a duration such as"),
        ("people:", "timing: {settle: 5x}\npeople:", "2: timing.settle must be a duration such"),
        ("people:", f"timing: {{settle: {'9' * 30}d}}\npeople:", "longer than anyone will wait"),
        ("people:", "timing: {settle: 367d}\npeople:", "2: 367d is longer than anyone will wait"),
        (
            "people:",
            "maintenance: [{name: x, time_zone: America/Lima, from: 2026-01-01 00:00,"
            " until: 9999-12-31 23:59}]\npeople:",
            "2: 9999-12-31 23:59 must be in the years 2000 to 2199",
        ),
        (
            "people:",
            "maintenance: [{name: x, time_zone: UTC, from: 2026-02-01 00:00,"
            " until: 2026-02-31 00:00}]\npeople:",
            "2: there is no 2026-02-31 00:00: it must be a day and time that exist",
        ),
        ("people:", "version: 1\npeople:", "2: 'version' is here twice; line 1 has it already"),
        ("why: the", "id: front\n    why: the", "21: 'id' is here twice; line 18 has it already"),
        ("  - id: front", "  - {id: front, lane: infra, match: []}\n  - id: front", "19: 'front'"),
        ("  - {path: /}", "  {path: /}", "must be a list, not keys with values"),
        ("name: Ana", "name: 2026-01-01", "must be text (in quotes"),
        ("name: Ana", "name: !!python/object:os.system x", "3: people.ana.name must be text"),
    ],
)
def test_a_fault_names_its_line_and_what_would_be_right(
    find: str, replace: str, fault: str
) -> None:
    """A policy with one fault is refused with exactly that fault, at its line."""
    assert SMALL.count(find) == 1
    (found,) = faults(SMALL.replace(find, replace))
    assert found.startswith("policy.yaml:")
    assert fault in found


def test_all_faults_are_reported_at_once_in_the_order_of_the_file() -> None:
    """Wrong types, unknown keys, dangling names and bad matchers come together."""
    text = SMALL.replace("version: 1", "version: 1\nnme: x")
    text = text.replace("on_call: ana", "on_call: bob").replace("project: p", "projct: p")
    text = text.replace('service="shop-front"', 'service=~"["').replace("lane: infra", "lane: x")
    lines = [int(fault.split(":")[1]) for fault in faults(text)]
    assert lines == [2, 6, 9, 20, 21]


def test_of_another_version_nothing_else_is_said() -> None:
    """What a newer file means by its keys is not known: only the version is complained of."""
    (found,) = faults("people: 7\nversion: 2\nrotas: []\n")
    assert found.startswith("policy.yaml:2: version must be 1")


@pytest.mark.parametrize(
    "text",
    [
        *("", "- 1", "7", "a: [", "a: *b", "&a [*a]", "a: &a {b: *a}", "\x00", "[" * 5000),
        *("a: b: c", "version: &v {a: *v}", "{1: 2}", "? [a]\n: b", "--- 1\n--- 2"),
        "<<: {version: 1}",
    ],
)
def test_what_is_no_policy_at_all_is_refused(text: str) -> None:
    """Empty, broken, endless and foreign YAML are faults, not crashes."""
    assert faults(text)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    """An unreadable file is one fault that names it."""
    with pytest.raises(PolicyError, match=r"nowhere\.yaml:1: cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe4")
    with pytest.raises(PolicyError, match="it is not UTF-8 text"):
        load(tmp_path / "latin.yaml")


@given(st.text())
def test_any_text_is_loaded_or_refused(text: str) -> None:
    """Nothing but the declared error comes out of any text."""
    with pytest.raises(PolicyError):
        loads(text, "policy.yaml")
