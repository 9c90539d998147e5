"""The JSON Schema that editors read, by a validator that knows nothing of the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.policy.json_schema import json_schema, schema_text

POLICIES = Path(__file__).parents[2] / "infra/policies"
MINIMAL = (POLICIES / "minimal.yaml").read_text(encoding="utf-8")
VALIDATOR = Draft202012Validator(json_schema())


def faults(text: str) -> list[str]:
    """Where a validator finds something wrong with this file."""
    found: Any = VALIDATOR.iter_errors(yaml.safe_load(text))
    return sorted({"/".join(map(str, each.absolute_path)) for each in found})


def test_the_schema_is_one_and_is_current() -> None:
    """It is valid itself, and the file in the repository is what the structs say."""
    Draft202012Validator.check_schema(json_schema())
    assert (POLICIES / "policy.schema.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("name", ["convex.yaml", "minimal.yaml"])
def test_the_shipped_policies_are_valid_and_name_the_schema(name: str) -> None:
    """An editor that opens one finds nothing to complain of."""
    text = (POLICIES / name).read_text(encoding="utf-8")
    assert faults(text) == []
    assert text.startswith("# yaml-language-server: $schema=policy.schema.json\n")


@pytest.mark.parametrize(
    ("find", "replace", "path"),
    [
        ("version: 1", "version: 2", "version"),
        ("channel:", "chanel:", "teams/ops"),
        ("U0ANA00001", "ana", "people/ana/slack"),
        ('"#ops"', "ops", "teams/ops/channel"),
        ("path: /}", "path: health}", "stacks/shop/services/shop-front/health/0/path"),
        ("remediation: rollback", "remediation: rolback", "lanes/service/remediation"),
        ("members: [ana, bo]", "members: ana", "teams/ops/members"),
        ("    region: europe-west1\n", "", "stacks/shop"),
        ("approvers: [ops]", "approval_valid: soon", "stacks/shop/rollback/approval_valid"),
        ("approvers: [ops]", "approvals: 3", "stacks/shop/rollback/approvals"),
        ("  shop:  ", "  Shop:  ", "stacks"),
    ],
)
def test_a_typical_fault_is_marked_where_it_is(find: str, replace: str, path: str) -> None:
    """What lint would refuse for its shape, an editor marks while it is typed."""
    assert MINIMAL.count(find) == 1
    assert faults(MINIMAL.replace(find, replace)) == [path]


def test_every_key_has_words_for_the_one_who_writes_it() -> None:
    """An editor shows what each kind of entry is for."""
    kinds = json.loads(schema_text())["$defs"]
    assert all(kind.get("description") for name, kind in kinds.items() if name.endswith("Entry"))
