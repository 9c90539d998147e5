"""A policy made from Alertmanager's configuration: the same people, and what was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.alert import Alert, AlertStatus
from shared.domain.classify import classify
from shared.policy import PolicyError, lint
from shared.policy.importing.tree import read
from shared.policy.importing.write import policy_text
from shared.policy.load import loads
from tests.builders import NOON

CONFIG = """\
route:
  receiver: default
  routes:
    - matchers: ['severity="critical"', 'team=~"web|api"']
      receiver: Web Team
      routes:
        - match: {service: front}
          receiver: front
        - match_re: {service: "b.*"}
    - match: {team: db}
      receiver: dba
receivers:
  - name: default
    slack_configs: [{channel: "#ops"}]
  - name: Web Team
    slack_configs: [{channel: "#web"}]
  - name: front
    slack_configs: [{channel: "#front"}]
  - name: dba
    slack_configs: [{channel: "#dba"}]
"""


def sent_to(config: str, **labels: str) -> str:
    """The team that an alert with these labels goes to."""
    policy = loads(policy_text(read(config, "am.yml")), "policy.yaml")
    alert = Alert(
        source="am", fingerprint="f", status=AlertStatus.FIRING, starts_at=NOON, labels=labels
    )
    return policy.teams[classify(policy, alert).team].name


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({}, "default"),
        ({"severity": "critical"}, "default"),
        ({"severity": "critical", "team": "web"}, "Web Team"),
        ({"severity": "critical", "team": "web", "service": "front"}, "front"),
        ({"severity": "critical", "team": "api", "service": "back"}, "Web Team"),
        ({"team": "web", "service": "front"}, "default"),
        ({"severity": "critical", "team": "db"}, "dba"),
    ],
)
def test_alert_goes_to_the_same_receiver(labels: dict[str, str], receiver: str) -> None:
    """Children are tried before their parent, below all its conditions; none is the root's."""
    assert sent_to(CONFIG, **labels) == receiver


def test_channels_are_those_of_the_receivers() -> None:
    """A team's pages appear where its receiver's first Slack configuration says."""
    policy = loads(policy_text(read(CONFIG, "am.yml")), "policy.yaml")
    assert {team.channel for team in policy.teams.values()} == {"#ops", "#web", "#front", "#dba"}


def test_nothing_is_noted_where_all_was_carried_over() -> None:
    """A tree of first matches and Slack channels loses nothing."""
    assert read(CONFIG, "am.yml").notes == []


@pytest.mark.parametrize(
    ("old", "new", "line", "note"),
    [
        (
            "      receiver: dba",
            "      receiver: dba\n      continue: true",
            12,
            "continue: the first",
        ),
        (
            "      receiver: dba",
            "      receiver: dba\n      mute_time_intervals: [nights]",
            12,
            "mute_time_intervals is not carried over",
        ),
        (
            'channel: "#dba"}]',
            'channel: "#dba"}]\n    pagerduty_configs: [{routing_key: x}]',
            21,
            "pagerduty of receiver 'dba' is not carried over",
        ),
        (
            'slack_configs: [{channel: "#dba"}]',
            "x: 1",
            19,
            "receiver 'dba' tells nobody; no alert is dropped here",
        ),
        (
            'channel: "#dba"}]',
            'channel: "#dba"}, {channel: "#more"}]',
            19,
            "receiver 'dba' has 2 channels",
        ),
        ("      receiver: dba", "", 19, "receiver 'dba' is left out: no alert goes to it"),
        ("receivers:", "inhibit_rules: [{equal: [a]}]\nreceivers:", 12, "inhibit_rules is not"),
    ],
)
def test_what_is_left_out_is_said(old: str, new: str, line: int, note: str) -> None:
    """Whatever has no like here is noted with its line, in the policy too."""
    imported = read(CONFIG.replace(old, new), "am.yml")
    assert [(each.line, each.text[: len(note)]) for each in imported.notes] == [(line, note)]
    assert f"# - line {line}: {note}" in policy_text(imported)


def test_routes_behind_one_that_takes_everything_are_left_out() -> None:
    """They would never be tried there, and lint would call them a fault here."""
    config = CONFIG.replace("- match: {team: db}", "- continue: false").replace(
        "receivers:\n", "    - match: {team: late}\n      receiver: front\nreceivers:\n"
    )
    imported = read(config, "am.yml")
    assert [route.receiver for route in imported.routes][-1] == "dba"
    assert any("no alert comes here" in note.text for note in imported.notes)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "receiver: dba",
            "receiver: dab",
            "am.yml:11: there is no receiver 'dab'; did you mean dba",
        ),
        ("route:", "rute:", "am.yml:1: there is no route; Alertmanager needs one"),
        ("'severity=\"critical\"'", "'severity'", "am.yml:4: 'severity' is not a matcher"),
        ("route:", "route: [", "this is not YAML"),
    ],
)
def test_what_is_no_configuration_is_refused(old: str, new: str, fault: str) -> None:
    """Faults of the source are told by line, as of any other file."""
    with pytest.raises(PolicyError) as wrong:
        read(CONFIG.replace(old, new, 1), "am.yml")
    assert fault in str(wrong.value)


def test_what_a_person_has_to_fill_in_is_a_fault_of_lint(tmp_path: Path) -> None:
    """Who is on call stands in no routing tree: lint says so, and nothing else."""
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text(read(CONFIG, "am.yml")), encoding="utf-8")
    assert {fault.text.partition("[")[2] for fault in lint(file, NOON).faults} == {
        "unwakeable-person]"
    }


@pytest.mark.parametrize("name", ["null", "123", "Ünï cödé", "triage", "-", "a" * 80])
def test_any_name_of_a_receiver_will_do(name: str) -> None:
    """Names that are none here become short ones; people read their own."""
    config = CONFIG.replace("receiver: dba", f'receiver: "{name}"').replace(
        "name: dba", f'name: "{name}"'
    )
    assert sent_to(config, team="db") == name


def test_receivers_that_become_alike_stay_apart() -> None:
    """Two receivers whose short names would be one have two teams."""
    config = CONFIG.replace("dba", "web team")
    assert sent_to(config, team="db") == "web team"
    assert sent_to(config, severity="critical", team="web") == "Web Team"
