r"""Alertmanager's matchers: its classic grammar, and the one with quoted names of 0.27 and later.

https://prometheus.io/docs/alerting/latest/configuration/#label-matchers

Classic: `name=value`, `name!="v"`, `name=~"a|b"`, `name!~x`; several as `{a="b", c=~"d"}` or with
commas alone. A quoted value may hold `\"`, `\\` and `\n`; any other backslash stands for itself.
What is no classic matcher is read by the other grammar (`shared.policy.utf8_matchers`), and what
is both means what it means in the classic one: as in Alertmanager's fallback mode. Besides labels,
names may be any of `Alert.facts()`, such as `metric:type` or `annotation:summary`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from shared.domain.lane import Matcher, MatchOp
from shared.policy.re2 import RegexError, compile_re2
from shared.policy.utf8_matchers import Written, parse_utf8

_MATCHER: Final = re.compile(
    r"\s*(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)\s*(?P<op>=~|!~|!=|=)\s*(?P<value>.*?)\s*",
    re.ASCII | re.DOTALL,
)
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n"}
_EVERYTHING: Final = re.compile(r"\s*\{\s*\}\s*")


class MatcherError(ValueError):
    """The text is not a matcher; the message says what would be."""


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """One matcher or a list of them, in braces or not; `{}` matches everything."""
    if _EVERYTHING.fullmatch(text):
        return ()
    try:
        written = parse_classic(text)
    except MatcherError as error:
        written = _otherwise(text, error)
    if not written:
        raise MatcherError('a matcher is empty; write it like service="web", or {} for everything')
    return tuple(_compiled(written))


def parse_classic(text: str) -> tuple[Written, ...]:
    """The list by the classic grammar alone, as Alertmanager 0.26 and older read it."""
    inner = text.removeprefix("{").removesuffix("}")
    *parts, last = _parts(inner)
    if last.strip():
        parts.append(last)
    return tuple(map(_classic, parts))


def _otherwise(text: str, error: MatcherError) -> tuple[Written, ...]:
    """The list by the other grammar; what is wrong is told by the classic one."""
    try:
        return parse_utf8(text)
    except ValueError:
        raise error from None


def _compiled(written: Iterable[Written]) -> Iterator[Matcher]:
    for name, op, value in written:
        if op not in (MatchOp.REGEX, MatchOp.NOT_REGEX):
            yield Matcher(name, op, value)
            continue
        try:
            yield Matcher(name, op, value, compile_re2(value))
        except RegexError as error:
            raise MatcherError(f"{value!r} cannot be used: {error}") from error


def _classic(text: str) -> Written:
    found = _MATCHER.fullmatch(text.strip())
    if found is None:
        raise MatcherError(
            f'{text.strip()!r} is not a matcher; write it like service="web" or job=~"api|web"'
        )
    return found["name"], MatchOp(found["op"]), _unquoted(found["value"])


def _parts(text: str) -> Iterator[str]:
    """The list cut at commas that stand outside quotes."""
    start, quoted, escaped = 0, False, False
    for i, char in enumerate(text):
        if char == "," and not quoted:
            yield text[start:i]
            start = i + 1
        elif escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
    yield text[start:]


def _unquoted(value: str) -> str:
    """The value without its quotes and escapes; unknown escapes stay, as in Alertmanager."""
    quoted = value.startswith('"')
    if quoted and (len(value) == 1 or not value.endswith('"')):
        raise MatcherError(f"{value!r} opens with a quote and never closes it")
    inner = value[1:-1] if quoted else value
    result, rest = "", inner
    while rest:
        before, slash, rest = rest.partition("\\")
        if '"' in before:
            raise MatcherError(f'{value!r} has a bare quote in it; write it as \\"')
        result += before
        if slash and quoted and not rest:
            raise MatcherError(f"{value!r} opens with a quote and never closes it")
        if slash:
            result += _ESCAPES.get(rest[:1], "\\" + rest[:1])
            rest = rest[1:]
    return result
