"""What a scenario is: what happens, when it is over, and what must then be so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.local.judge import Check, Glance, Seen
from infra.local.stage import Step


def _nothing(seen: Seen) -> Sequence[str]:  # noqa: ARG001 - most scenarios have nothing to add
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario.

    `about`: what it shows, in a sentence. `steps`: what happens, one after the other. `ended`:
    whether it is time to judge; `claims`: what must be so then. `monitored`: services that fail
    are reported, as Prometheus would. `lingers`: for how many seconds it is watched after its
    end, to see that it lasts. `adds`: lines for whoever reads its story.
    """

    name: str
    about: str
    steps: tuple[Step, ...]
    ended: Callable[[Glance], bool]
    claims: tuple[Check, ...]
    monitored: bool = False
    lingers: float = 1.0
    adds: Callable[[Seen], Sequence[str]] = _nothing


def judged(glance: Glance) -> bool:
    """A rollback has its verdict, and everybody who had to be paged about it was."""
    return bool(glance.rollback.get("verdict")) and glance.all_paged


def answered(glance: Glance) -> bool:
    """The page is out and says whether a rollback is proposed."""
    return glance.all_paged and glance.rollback.get("phase") != "planning"
