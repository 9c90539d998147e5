"""What a store keeps of an alert besides its labels, so that it can be told again as it was.

A policy is tried on alerts that were really received: classification needs all of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.domain.severity import Severity

MOST: Final = 8192
"""So many characters of an alert are kept besides its labels, and no more."""

_LONGEST: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Everything but labels, status and times, which the row has. `cut`: it was longer."""

    source: str
    fingerprint: str
    name: str = ""
    severity: Severity | None = None
    metric_type: str = ""
    metric_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    resource_type: str = ""
    resource_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    policy_name: str = ""
    condition_name: str = ""
    expression: str = ""
    summary: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    url: str = ""
    cut: bool = False


class Budget:
    """How much room is left; what is taken first is kept before all else."""

    def __init__(self) -> None:
        self._left = MOST
        self.cut = False

    def text(self, value: str) -> str:
        """As much of the text as there is room for."""
        if len(value) <= _LONGEST and len(value) <= self._left:
            self._left -= len(value)
            return value
        self.cut = True
        kept = value[: min(_LONGEST, self._left)]
        self._left -= len(kept)
        return kept

    def texts(self, values: Mapping[str, str]) -> dict[str, str]:
        """As many of them as there is room for, by their names."""
        if not values:
            return {}
        return dict(self._pairs(values))

    def _pairs(self, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name in sorted(values):
            if len(name) >= self._left:
                self.cut = True
                return
            self._left -= len(name)
            yield name, self.text(values[name])
