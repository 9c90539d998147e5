"""What follows from matchers, as far as it can be told for certain.

Nothing here guesses: two regular expressions are only compared with each other when they are the
same, and with a value by trying it.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.lane import Matcher, MatchOp


def implies(one: Iterable[Matcher], other: Iterable[Matcher]) -> bool:
    """Whether whatever satisfies all of `one` satisfies all of `other` for certain."""
    given = tuple(one)
    return all(any(_follows(each, wanted) for each in given) for wanted in other)


def contradiction(matchers: Iterable[Matcher]) -> tuple[Matcher, Matcher] | None:
    """Two of these that never hold together, if some are known to."""
    given = tuple(matchers)
    for number, one in enumerate(given):
        for other in given[number + 1 :]:
            if _excludes(one, other) or _excludes(other, one):
                return one, other
    return None


def _follows(given: Matcher, wanted: Matcher) -> bool:
    if given.name != wanted.name:
        return False
    if given == wanted:
        return True
    return given.op is MatchOp.EQUAL and wanted.matches({given.name: given.value})


def _excludes(one: Matcher, other: Matcher) -> bool:
    """Whether the one, which names a value or is the other's opposite, leaves no room for it."""
    if one.name != other.name:
        return False
    if one.op is MatchOp.EQUAL:
        return not other.matches({one.name: one.value})
    opposite = one.op is MatchOp.REGEX and other.op is MatchOp.NOT_REGEX
    return opposite and one.value == other.value
