"""What is wrong with a policy file, where, and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.errors import SwitchmanError


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong. Lines count from 1."""

    line: int
    text: str
    file: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class PolicyError(SwitchmanError):
    """The policy file cannot be used. `faults` has all of them, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))
