"""How bad an incident is."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """`sev1` is the worst. Compare with `worse_than`, never by text."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"

    @property
    def rank(self) -> int:
        """1 for `sev1` to 4 for `sev4`."""
        return int(self.value[-1])

    def worse_than(self, other: Severity) -> bool:
        """Whether this one asks for more haste than the other."""
        return self.rank < other.rank


CRITICAL: Final = (Severity.SEV1, Severity.SEV2)
"""While something as bad is open, nothing proves itself and nothing is released."""


def worst(first: Severity, second: Severity) -> Severity:
    """The worse of two severities."""
    return first if first.rank <= second.rank else second


_WORDS: Final = {
    **dict.fromkeys(("critical", "page", "emergency", "fatal", "blocker"), Severity.SEV1),
    **dict.fromkeys(("disaster", "p0", "p1", "sev0", "sev-1", "s1"), Severity.SEV1),
    **dict.fromkeys(("error", "high", "major", "severe", "urgent"), Severity.SEV2),
    **dict.fromkeys(("p2", "sev-2", "s2"), Severity.SEV2),
    **dict.fromkeys(("warning", "warn", "medium", "minor", "moderate"), Severity.SEV3),
    **dict.fromkeys(("average", "p3", "sev-3", "s3"), Severity.SEV3),
    **dict.fromkeys(("info", "informational", "information", "notice"), Severity.SEV4),
    **dict.fromkeys(("low", "none", "debug", "p4", "p5", "sev-4", "s4"), Severity.SEV4),
    **{s.value: s for s in Severity},
}


def severity_from_word(word: str) -> Severity | None:
    """What a sender's own word means ("critical", "Warning", "sev2"), or None if unknown.

    Prometheus rules use `critical`, `warning` and `info` by convention; Cloud Monitoring has
    `Critical`, `Error` and `Warning` (https://cloud.google.com/monitoring/alerts/severity).
    """
    return _WORDS.get(word.strip().lower())
