r"""Alertmanager's regular expressions are RE2's; this turns one into Python's, or says why not.

The grammar is https://github.com/google/re2/wiki/Syntax. What Python alone understands
(look-around, back-references, possessive quantifiers) is refused, because Alertmanager would
refuse it; what RE2 alone understands is translated (`\Q..\E`, `\z`, `[[:alpha:]]`, `\x{..}`,
`$` as the very end, names of groups that nothing refers to, anchors that are repeated) or refused
(`\pL`, `\C`, `(?U)`, `(?m)`, `(?i)` with letters beyond ASCII).

RE2 takes no longer for any text than in proportion to its length. Python tries every way to fit
it, of which there are twice as many with each character where a repetition stands in another, as
in `(a+)+b`: a label of 30 characters would hold up every alert. So that is refused too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

_MOST_REPEATS: Final = 1000
_POSIX: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
}
_LOOK_AROUND: Final = ("(?=", "(?!", "(?<=", "(?<!")
_REPEAT: Final = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_HEX: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_OCTAL: Final = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_CLASS: Final = re.compile(r"\[\^?[]-]?")
_GROUP: Final = re.compile(r"\(\?(?:P?<([A-Za-z_]\w*)>|([is]*(?:-[is]+)?)(:|\)))", re.ASCII)
_MANY: Final = re.compile(r"\\[dDsSwW]-?")
_FOLDS: Final = re.compile(r"\(\?[is]*i")
_SAME_IN_BOTH: Final = frozenset("dDsSwWafnrtv")
# Python repeats no bare anchor, and holds that an empty text has no \B.
_ANCHORS: Final = {"A": r"(?:\A)", "z": r"(?:\Z)", "b": r"(?:\b)", "B": r"(?:(?!\b))"}


class RegexError(ValueError):
    """The expression is not one that RE2 understands, or not one that can be tried here."""


@dataclass(slots=True)
class _Group:
    """What is known so far of a group that is open, or of one that has just been closed.

    `alternatives` are its texts between the bars; `repeats`: something in it repeats without end.
    """

    alternatives: list[str] = field(default_factory=lambda: [""])
    repeats: bool = False

    @property
    def many_ways(self) -> str:
        """Why one text fits a repetition of the group in many ways; empty if none is known."""
        if self.repeats:
            return "it repeats a repetition"
        twice = len(set(self.alternatives)) < len(self.alternatives)
        return "it repeats alternatives of which two are the same" if twice else ""


@lru_cache(maxsize=512)
def compile_re2(expression: str) -> re.Pattern[str]:
    """The expression as a Python pattern that means the same with `fullmatch`.

    Remembered, because a policy is checked first and then built.
    """
    if _FOLDS.search(expression) and not expression.isascii():
        raise RegexError("(?i) knows the two cases of ASCII letters only; write both out")
    translated = _Translation(expression).run()
    try:
        return re.compile(translated, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(f"it is not a regular expression: {error}") from error


class _Translation:
    """One walk over the expression."""

    def __init__(self, expression: str) -> None:
        self._rest = expression
        self._done: list[str] = []
        self._open = [_Group()]
        self._closed: _Group | None = None

    def run(self) -> str:
        while self._rest:
            first = self._rest[0]
            if first == "\\":
                self._emit(*self._escape(in_class=False))
            elif first == "[":
                self._class()
            elif first == "(":
                self._opens(*self._group())
            elif first == ")":
                self._close()
            elif first in "*+?{":
                self._emit(*self._repetition())
            else:
                self._emit({"$": _ANCHORS["z"], "^": _ANCHORS["A"]}.get(first, first), 1)
        return "".join(self._done)

    def _emit(self, translated: str, length: int) -> None:
        self._done.append(translated)
        self._rest = self._rest[length:]
        self._closed = None
        if translated == "|":
            self._open[-1].alternatives.append("")
        else:
            self._open[-1].alternatives[-1] += translated

    def _opens(self, translated: str, length: int) -> None:
        """A group, or flags that stand alone."""
        self._emit(translated, length)
        if not translated.endswith(")"):
            self._open.append(_Group())

    def _close(self) -> None:
        """The innermost group ends; what follows may repeat it."""
        closed = self._open.pop() if len(self._open) > 1 else None
        self._emit(")", 1)
        self._closed = closed
        self._open[-1].repeats |= closed is not None and closed.repeats

    def _escape(self, *, in_class: bool) -> tuple[str, int]:
        rest, letter = self._rest, self._rest[1:2]
        if not letter:
            raise RegexError("it ends with a lone backslash")
        if letter == "Q" and not in_class:
            literal, closed, after = rest[2:].partition(r"\E")
            if not closed:
                raise RegexError(r"a \Q is never closed by \E")
            return re.escape(literal), len(rest) - len(after)
        if found := _HEX.match(rest):
            return _literal(int(found[1], 16)), found.end()
        if letter == "x":
            return rest[:4], 4
        if found := _OCTAL.match(rest):
            return _literal(int(found[1], 8)), found.end()
        if letter in "123456789":
            raise RegexError(rf"\{letter} is a back-reference, which RE2 does not have")
        if letter in _ANCHORS and not in_class:
            return _ANCHORS[letter], 2
        if letter in _SAME_IN_BOTH or not letter.isalnum():
            return rest[:2], 2
        raise RegexError(rf"\{letter} is not supported here; write the characters out")

    def _class(self) -> None:
        start = _CLASS.match(self._rest)
        opening = start[0] if start else "["
        self._emit(opening.replace("]", r"\]").replace("-", r"\-"), len(opening))
        while self._rest and self._rest[0] != "]":
            if self._rest.startswith("[:") and ":]" in self._rest:
                self._emit(*self._posix())
            elif found := _MANY.match(self._rest):
                self._emit(found[0].replace("-", r"\-"), found.end())  # no range starts with many
            elif self._rest[0] == "\\":
                self._emit(*self._escape(in_class=True))
            elif self._rest.startswith("--"):
                self._emit(r"-\-", 2)  # a range up to the dash; Python warns of a bare one
            else:
                char = self._rest[0]
                self._emit("\\" + char if char in "[&~|" else char, 1)
        if not self._rest:
            raise RegexError("a [ is never closed")
        self._emit("]", 1)

    def _posix(self) -> tuple[str, int]:
        name = self._rest[2:].partition(":]")[0]
        if name.removeprefix("^") not in _POSIX or name.startswith("^"):
            raise RegexError(f"[:{name[:12]}:] is not a character class known here")
        return _POSIX[name], len(name) + 4

    def _group(self) -> tuple[str, int]:
        if not self._rest.startswith("(?"):
            return "(", 1
        if self._rest.startswith(_LOOK_AROUND):
            raise RegexError("it looks ahead or behind, which RE2 does not do")
        found = _GROUP.match(self._rest)
        if found is None:
            raise RegexError(f"{self._rest[:4]} is not a group that RE2 has or that works here")
        return "(" if found[1] else found[0], found.end()

    def _repetition(self) -> tuple[str, int]:
        found = None
        if self._rest[0] == "{":
            found = _REPEAT.match(self._rest)
            if found is None:
                return r"\{", 1
            if max(int(found[1]), int(found[3] or 0)) > _MOST_REPEATS:
                raise RegexError(f"{found[0]} repeats more than {_MOST_REPEATS} times")
            length = found.end()
        else:
            length = 1
        length += self._rest[length : length + 1] == "?"
        after = self._rest[length : length + 1]
        if after and (after in "*+?" or _REPEAT.match(self._rest[length:])):
            raise RegexError(f"{self._rest[: length + 1]} repeats a repetition")
        if self._rest[0] in "*+" or (found and found[2] and not found[3]):
            self._without_end()
        return self._rest[:length], length

    def _without_end(self) -> None:
        many_ways = self._closed.many_ways if self._closed else ""
        if many_ways:
            raise RegexError(
                f"{many_ways}, which a long text would take for ever to fail; unfold it"
            )
        self._open[-1].repeats = True


def _literal(code: int) -> str:
    try:
        return re.escape(chr(code))
    except ValueError as error:
        raise RegexError(f"{code:#x} is not a character") from error
