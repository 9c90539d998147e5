r"""The matchers of Alertmanager 0.27 and later, whose names may be any text in quotes.

https://prometheus.io/docs/alerting/latest/configuration/#utf-8-matchers

`"my label"="x"`, `foo.bar=~"a|b"`, `{"a b"!="c", d!~e,}`. A name or value is text in double quotes
with the escapes of a string in Go (https://go.dev/ref/spec#String_literals), or stands without
quotes as long as no blank and none of ``{ } ! = ~ , \ " ' ` `` is in it. Neither may be missing.
"""

from __future__ import annotations

import re
from typing import Final

from shared.domain.lane import MatchOp

Written = tuple[str, MatchOp, str]
"""A matcher as it is written: name, operator, value."""

_WORD: Final = r"""(?:"(?:[^"\\\n]|\\[^\n])*"|[^\s{}!=~,\\"'`]+)"""
_MATCHER: Final = re.compile(rf"\s*({_WORD})\s*(=~|!~|!=|=)\s*({_WORD})\s*")
_ESCAPE: Final = re.compile(
    rb"""\\(?:([abfnrtv\\"])|([0-7]{3})|x([0-9A-Fa-f]{2})"""
    rb"|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|.)",
    re.DOTALL,
)
_LETTERS: Final = dict(zip(b'abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))


def parse_utf8(text: str) -> tuple[Written, ...]:
    """The list of matchers, in braces or not. Raises ValueError for what is none."""
    inner = text.strip()
    if inner[:1] == "{" or inner[-1:] == "}":
        if not (inner[:1] == "{" and inner[-1:] == "}"):
            raise ValueError("a brace is never closed, or never opened")
        inner = inner[1:-1].strip()
    found: list[Written] = []
    while inner:
        matcher = _MATCHER.match(inner)
        if matcher is None or inner[matcher.end() : matcher.end() + 1] not in ("", ","):
            raise ValueError(f"{inner!r} is not a matcher")
        found.append((_meant(matcher[1]), MatchOp(matcher[2]), _meant(matcher[3])))
        inner = inner[matcher.end() + 1 :]
    if not all(name for name, _, _ in found):
        raise ValueError("a name is empty")
    return tuple(found)


def _meant(word: str) -> str:
    """What a word stands for: itself, or what its quotes and escapes say."""
    if not word.startswith('"'):
        return word
    return _ESCAPE.sub(_unescaped, word[1:-1].encode()).decode()


def _unescaped(found: re.Match[bytes]) -> bytes:
    letter, octal, byte, *points = found.groups()
    if letter:
        return bytes([_LETTERS[letter[0]]])
    if octal or byte:
        return bytes([int(octal, 8) if octal else int(byte, 16)])
    for point in filter(None, points):
        return chr(int(point, 16)).encode()
    raise ValueError(f"{found[0].decode()} is not an escape")
