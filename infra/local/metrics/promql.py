"""The part of PromQL that the simulated source understands.

`x{a="b",c!="d",e=~"f.*",g!~"h"}`, `increase(x[5m])`, `rate(x[5m])`, `sum(y)`, `sum by (a) (y)`,
`max(y)`, `timestamp(y)`, `vector(1)`, `scalar(y)`, numbers, `y / z`, `y or z` and parentheses.
Language: https://prometheus.io/docs/prometheus/latest/querying/basics/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

FUNCTIONS = frozenset({"increase", "rate", "timestamp", "vector", "scalar"})
AGGREGATIONS = frozenset({"sum", "max"})
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[a-zA-Z_:][\w:]*)|(?P<duration>\d+(?:ms|[smhd]))|(?P<number>\d+(?:\.\d+)?)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign>=~|!~|!=|[=(){}\[\],/]))'
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class BadQuery(Exception):
    """This is no PromQL, or a part of it that is not simulated."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    label: str
    sign: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether the series with these labels is meant; a label it has not is empty."""
        found = labels.get(self.label, "")
        if self.sign in ("=", "!="):
            return (found == self.value) is (self.sign == "=")
        return bool(re.fullmatch(self.value, found)) is (self.sign == "=~")


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by name and labels; `seconds` is the range, None for an instant vector."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands."""

    value: float


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an aggregation; `by` are the labels it keeps."""

    function: str
    argument: Expression
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """`/` or `or` between two expressions."""

    operator: str
    left: Expression
    right: Expression


Expression = Selector | Number | Call | Binary


def parse(text: str) -> Expression:
    """The expression. Raises BadQuery."""
    parser = _Parser(_tokens(text))
    found = parser.expression()
    if parser.kind != "end":
        raise BadQuery(f"unexpected {parser.text!r}")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise BadQuery(f"unexpected {text[at:].strip()[:20]!r}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*tokens, ("end", "end of input")]


class _Parser:
    """Recursive descent: `or` binds weaker than `/`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def text(self) -> str:
        return self._tokens[self._at][1]

    def expression(self) -> Expression:
        found = self._quotient()
        while self._skip("or"):
            found = Binary("or", found, self._quotient())
        return found

    def _quotient(self) -> Expression:
        found = self._term()
        while self._skip("/"):
            found = Binary("/", found, self._term())
        return found

    def _term(self) -> Expression:
        if self._skip("("):
            return self._closed(self.expression())
        if self.kind == "number":
            return Number(float(self._take("number")))
        name = self._take("name")
        if name in AGGREGATIONS:
            by = self._labels() if self._skip("by") else ()
            self._expect("(")
            return Call(name, self._closed(self.expression()), by)
        if name in FUNCTIONS and self._skip("("):
            return Call(name, self._closed(self.expression()))
        return self._selector(name)

    def _selector(self, name: str) -> Selector:
        matchers: list[Matcher] = []
        if self._skip("{"):
            while not self._skip("}"):
                matchers.append(self._matcher())
                if not self._skip(","):
                    self._expect("}")
                    break
        seconds = None
        if self._skip("["):
            text = self._take("duration")
            number = text.rstrip("msdh")
            seconds = float(number) * _SECONDS[text[len(number) :]]
            self._expect("]")
        return Selector(name, tuple(matchers), seconds)

    def _matcher(self) -> Matcher:
        label, sign = self._take("name"), self._take("sign")
        if sign not in ("=", "!=", "=~", "!~"):
            raise BadQuery(f"unexpected {sign!r}")
        quoted = self._take("string")
        return Matcher(label, sign, re.sub(r"\\(.)", r"\1", quoted[1:-1]))

    def _labels(self) -> tuple[str, ...]:
        self._expect("(")
        found = [self._take("name")]
        while self._skip(","):
            found.append(self._take("name"))
        return self._closed(tuple(found))

    def _closed(self, found: T) -> T:
        self._expect(")")
        return found

    def _skip(self, text: str) -> bool:
        matches = self.text == text and self.kind in ("sign", "name")
        self._at += matches
        return matches

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise BadQuery(f"unexpected {self.text!r}, expected {text!r}")

    def _take(self, kind: str) -> str:
        if self.kind != kind:
            raise BadQuery(f"unexpected {self.text!r}, expected a {kind}")
        text = self.text
        self._at += 1
        return text
