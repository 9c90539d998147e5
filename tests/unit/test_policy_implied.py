"""What lint claims of routes that shadow each other is never wrong."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.lane import Matcher, MatchOp
from shared.policy.rules.implied import contradiction, implies

NAMES = ("a", "b")
VALUES = ("", "x", "y", "xy")
EXPRESSIONS = ("", "x", "x.*", ".+", ".*", "x|y", "[^x]*")


@st.composite
def matchers(draw: st.DrawFn) -> Matcher:
    """One matcher over few names and values, so that they meet."""
    op = draw(st.sampled_from(MatchOp))
    regex = op in (MatchOp.REGEX, MatchOp.NOT_REGEX)
    value = draw(st.sampled_from(EXPRESSIONS if regex else VALUES))
    return Matcher(draw(st.sampled_from(NAMES)), op, value)


LISTS = st.lists(matchers(), max_size=3)
FACTS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from((*VALUES, "z")))


def hold(found: list[Matcher], facts: dict[str, str]) -> bool:
    """Whether all of them hold."""
    return all(each.matches(facts) for each in found)


@given(LISTS, LISTS, FACTS)
def test_what_is_said_to_follow_follows(
    one: list[Matcher], other: list[Matcher], facts: dict[str, str]
) -> None:
    """No alert fits the later route and not the one that is said to take all of it."""
    if implies(one, other) and hold(one, facts):
        assert hold(other, facts)


@given(LISTS, FACTS)
def test_what_is_said_never_to_hold_never_holds(
    found: list[Matcher], facts: dict[str, str]
) -> None:
    """No alert fits a route that is said to be impossible."""
    if contradiction(found):
        assert not hold(found, facts)
