"""Names as plain words, so that one matcher fits every sender's spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*")
_BRACES: Final = re.compile(r"\{[^{}]*\}")
_METRIC_IN_BRACES: Final = re.compile(r'(?:__name__\s*=~?\s*|^\s*|,\s*)"([^"]*)"')
_GROUPING: Final = re.compile(
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def words(name: str) -> str:
    """`ConvexBackendHigh5xxRate` and `convex_backend-high.5xx/rate` alike: lower-case words."""
    return " ".join(_WORD.findall(name)).lower()


def phrases(names: Iterable[str]) -> str:
    """Several names as words, with ` / ` between them; names given twice count once."""
    return " / ".join(dict.fromkeys(found for name in names if (found := words(name))))


@lru_cache(maxsize=4096)
def measured(expression: str) -> str:
    """A query without what only narrows it down: label matchers and grouping.

    What is left are the metrics it reads, for PromQL, and all of a log filter.
    """
    bare = _BRACES.sub(lambda found: _metrics_in(found[0][1:-1]), expression)
    return _GROUPING.sub(" ", bare)


def _metrics_in(matchers: str) -> str:
    return " " + " ".join(_METRIC_IN_BRACES.findall(matchers)) + " "
