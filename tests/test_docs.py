"""What the documentation points to is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from shared.policy import lint as linted

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_ROTA = re.compile(r"^```yaml\n(schedules:.*?)^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_DROPPED = re.compile(r"[^\w\- ]")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link to a file, or to a heading of a page, finds it there."""
    assert [link for link in _links(page) if not _leads_somewhere(page, link)] == []


def test_the_example_of_a_rota_is_fine(tmp_path: Path) -> None:
    """What policy.md says of turns and escalations, added to the minimal policy, has no fault."""
    (text,) = _ROTA.findall((ROOT / "docs/policy.md").read_text(encoding="utf-8"))
    minimal = (ROOT / "infra/policies/minimal.yaml").read_text(encoding="utf-8")
    policy, example = yaml.safe_load(minimal), yaml.safe_load(text)
    names = {name for team in example["teams"].values() for name in team["members"]}
    policy["people"] |= {name: {"name": name, "slack": f"U{name.upper():0<9}"} for name in names}
    policy["teams"] |= example["teams"]
    merged = tmp_path / "policy.yaml"
    merged.write_text(yaml.safe_dump({**policy, "schedules": example["schedules"]}), "utf-8")
    faults = linted(merged, datetime(2026, 11, 23, tzinfo=UTC)).faults
    assert [str(fault) for fault in faults] == []


def _links(page: Path) -> Iterator[str]:
    for link in _LINK.findall(_prose(page)):
        if "://" not in link and not link.startswith("mailto:"):
            yield link


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path) if path else page
    return target.exists() and (not heading or heading in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """The names by which GitHub can link to the page's headings."""
    headings = _HEADING.findall(_prose(page))
    return {_DROPPED.sub("", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))
