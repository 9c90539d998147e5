"""Words a person typed, taken for what they most likely mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from shared.domain.errors import SwitchmanError
from shared.domain.secrets import redacted
from shared.domain.severity import Severity

_DASHES: Final = re.compile(r"[-\u2010-\u2015]+")  # telephones turn -- into one long dash
_LONGEST_ECHO: Final = 40
_SEVERITY: Final = re.compile(r"sev-?[0-9]{1,3}")

LONGEST_TEXT: Final = 500
"""Characters of a reason, of a review, or of what a declared incident is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a person typed after `command`, where and when.

    `id` is the request's, equal when it is sent again; `trigger` opens a modal for a moment.
    """

    id: str
    command: str
    text: str
    person: str
    channel: str
    trigger: str
    at: datetime


class Unclear(SwitchmanError):
    """What was typed cannot be carried out; the text tells the person what would be right."""


def option(word: str) -> str:
    """The option that was typed, with two hyphens whatever dash it begins with; empty if none."""
    return _DASHES.sub("--", word, count=1) if _DASHES.match(word) else ""


def pick(word: str, known: Iterable[str], kind: str = "") -> str:
    """The known name that was typed, in whatever case. Raises `Unclear` with a suggestion."""
    names = {name.casefold(): name for name in known}
    found = names.get(word.casefold())
    if found is not None:
        return found
    close = get_close_matches(word.casefold(), names, n=1)
    hint = f"did you mean `{names[close[0]]}`?" if close else f"there is: {listed(names.values())}"
    raise Unclear(f"There is no {f'{kind} ' if kind else ''}`{word[:_LONGEST_ECHO]}`; {hint}")


def nothing_more(form: str, words: Sequence[str]) -> None:
    """Raises `Unclear` where something was typed after all that `form` expects."""
    if words:
        raise Unclear(f"After `{form}` nothing more is expected, and there is `{words[0][:40]}`.")


def listed(names: Iterable[str]) -> str:
    """The names, as people are told them."""
    return ", ".join(f"`{name}`" for name in names) or "none"


def severity_of(words: Sequence[str]) -> tuple[Severity | None, Sequence[str]]:
    """The severity, if the first word is meant as one, and the words after it."""
    meant = words[0].casefold() if words else ""
    if not _SEVERITY.fullmatch(meant):
        return None, words
    if meant not in list(Severity):
        raise Unclear(f"There is no severity `{meant}`; there is: {listed(Severity)}")
    return Severity(meant), words[1:]


def described(words: Sequence[str], what: str = "what is wrong: whoever is woken reads it") -> str:
    """The words as one text without secrets. Raises `Unclear` where there are none, or too many."""
    text = redacted(" ".join(words))
    if not text:
        raise Unclear(f"Say {what}.")
    if len(text) > LONGEST_TEXT:
        raise Unclear(f"Say {what.partition(':')[0]} in at most {LONGEST_TEXT} characters.")
    return text
