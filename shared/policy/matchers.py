r"""Alertmanager's classic matcher grammar.

https://prometheus.io/docs/alerting/latest/configuration/#matcher

`name=value`, `name!="v"`, `name=~"a|b"`, `name!~x`; several as `{a="b", c=~"d"}` or with commas
alone. A quoted value may hold `\"`, `\\` and `\n`. Besides labels, names may be any of
`Alert.facts()`, such as `metric:type` or `annotation:summary`; no label has a colon in its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from shared.domain.lane import Matcher, MatchOp
from shared.policy.re2 import RegexError, compile_re2

_MATCHER: Final = re.compile(
    r"\s*(?P<name>[A-Za-z_:][A-Za-z0-9_:.\-]*)\s*(?P<op>=~|!~|!=|=)\s*(?P<value>.*?)\s*",
    re.ASCII | re.DOTALL,
)
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n"}


class MatcherError(ValueError):
    """The text is not a matcher; the message says what would be."""


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """One matcher or a list of them, in braces or not; `{}` matches everything."""
    inner = text.strip()
    if inner.startswith("{"):
        if not inner.endswith("}"):
            raise MatcherError(f"{text!r} opens with a brace and never closes it")
        inner = inner[1:-1].strip()
    elif not inner:
        raise MatcherError('a matcher is empty; write it like service="web"')
    inner = inner.removesuffix(",") if not inner.endswith("\\,") else inner
    return tuple(parse_matcher(part) for part in _parts(inner)) if inner else ()


def parse_matcher(text: str) -> Matcher:
    """One matcher."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise MatcherError(
            f'{text.strip()!r} is not a matcher; write it like service="web" or job=~"api|web"'
        )
    op, value = MatchOp(found["op"]), _unquoted(found["value"])
    if op not in (MatchOp.REGEX, MatchOp.NOT_REGEX):
        return Matcher(found["name"], op, value)
    try:
        return Matcher(found["name"], op, value, compile_re2(value))
    except RegexError as error:
        raise MatcherError(f"{value!r} cannot be used: {error}") from error


def _parts(text: str) -> Iterator[str]:
    """The list cut at commas that stand outside quotes."""
    start, quoted, escaped = 0, False, False
    for i, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            yield text[start:i]
            start = i + 1
    if quoted:
        raise MatcherError(f'{text!r} has a " that is never closed')
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
        if slash:
            result += _ESCAPES.get(rest[:1], "\\" + rest[:1])
            rest = rest[1:]
    return result
