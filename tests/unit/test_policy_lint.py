"""Each rule of `switchman lint`, by a policy that breaks only it and the exact line it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.policy import PolicyError, lint, lints, load
from shared.policy.rules import RULES
from tests.builders import NOON

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "tests/samples/policies").glob("*.yaml"))
OF_RULES = {path.stem: path for path in SAMPLES if not path.stem.startswith("fault-")}


def printed(path: Path) -> list[str]:
    """What lint prints about this sample, without the folder."""
    return [str(fault).removeprefix(f"{path.parent}/") for fault in lint(path, NOON).faults]


def promised(path: Path) -> list[str]:
    """What the head of this sample says that lint prints about it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("# prints ") for line in lines if line.startswith("# prints ")]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_policy_with_one_fault_prints_exactly_that(path: Path) -> None:
    """Each sample breaks one thing, and lint prints what the sample's own head says."""
    assert len(promised(path)) == 1
    assert printed(path) == promised(path)


def test_every_rule_has_a_sample_that_names_it() -> None:
    """A rule nobody has seen at work is a rule nobody knows to work."""
    assert sorted(OF_RULES) == sorted(rule.name for rule in RULES)
    for name, path in OF_RULES.items():
        assert promised(path)[0].endswith(f" [{name}]")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_only_what_cannot_be_used_is_refused_when_it_is_loaded(rule: object) -> None:
    """Lint complains of every rule; the functions start with all but those that refuse."""
    (found,) = [each for each in RULES if each is rule]
    if found.refuses:
        with pytest.raises(PolicyError, match=re.escape(f"[{found.name}]")):
            load(OF_RULES[found.name])
    else:
        load(OF_RULES[found.name])


def test_the_docs_list_every_rule() -> None:
    """docs/policy.md has a row for each rule, in the order in which they are asked."""
    page = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    section = page.partition("## What lint looks for")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(rule.name, rule.says) for rule in RULES]


def test_a_rule_waits_while_what_it_reads_has_a_fault() -> None:
    """What is misspelt may be just what a rule would miss: it is not claimed to be missing."""
    text = OF_RULES["rollback-without-health"].read_text(encoding="utf-8")
    misspelt = text.replace("shop-front: {}", "shop-front: {helth: [{path: /}]}")
    found = lints(misspelt, "policy.yaml", NOON)
    (fault,) = found.faults
    assert "'helth' is not known here; did you mean health?" in fault.text
    assert "rollback-without-health" in found.waiting


def test_a_rule_does_not_wait_for_a_part_that_it_does_not_read() -> None:
    """A fault in one part of the file and a broken rule in another are told together."""
    text = OF_RULES["same-email"].read_text(encoding="utf-8")
    found = lints(f"{text}\ntiming: {{settle: soon}}\n", "policy.yaml", NOON)
    assert [fault.text.split()[0] for fault in found.faults] == ["bob", "timing.settle"]
    assert "same-email" not in found.waiting


@pytest.mark.parametrize("text", ["", "a: [", "7", "version: 1\nroute: []"])
def test_what_cannot_be_read_breaks_no_rule(text: str) -> None:
    """Nothing is claimed about a file whose parts are not known; all rules wait."""
    found = lints(text, "policy.yaml", NOON)
    assert found.faults
    assert len(found.waiting) == len(RULES)
