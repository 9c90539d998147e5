"""Finding the routes that match without trying every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.domain.lane import MatchOp, Route

_Numbered = tuple[int, Route]


class RouteIndex:
    """Ordered routes. Those that ask for a fact to equal a value are looked up by that value."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._tried: list[_Numbered] = []
        self._by_value: dict[str, dict[str, list[_Numbered]]] = {}
        for numbered in enumerate(routes):
            self._add(numbered)

    def _add(self, numbered: _Numbered) -> None:
        for matcher in numbered[1].matchers:
            if matcher.op is MatchOp.EQUAL:
                by_value = self._by_value.setdefault(matcher.name, {})
                by_value.setdefault(matcher.value, []).append(numbered)
                return
        self._tried.append(numbered)

    def matching(self, facts: Mapping[str, str]) -> list[Route]:
        """Every route that matches, in the order of the file."""
        found = [numbered for numbered in self._tried if numbered[1].matches(facts)]
        for name, by_value in self._by_value.items():
            candidates = by_value.get(facts.get(name, ""), ())
            found += [numbered for numbered in candidates if numbered[1].matches(facts)]
        found.sort(key=_number)
        return [route for _, route in found]


def _number(numbered: _Numbered) -> int:
    return numbered[0]
