"""Texts and the blocks every message and modal is made of, within Slack's limits.

Limits: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/reference/block-kit/composition-objects. In every text object `&`, `<` and
`>` are entities: https://docs.slack.dev/messaging/formatting-message-text#escaping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

Block = dict[str, Any]

HEADER: Final = 150
SECTION: Final = 3000
FALLBACK: Final = 3000
_FIELD: Final = 2000
_FIELDS_IN_SECTION: Final = 10

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    """The text with Slack's control characters as entities, so that Slack shows it as it is."""
    return "".join(_ENTITIES.get(character, character) for character in text)


def clip(text: str, limit: int, before: str = "") -> str:
    """`before` and the escaped text, in at most `limit` characters; an entity is never cut."""
    whole = before + escape(text)
    if len(whole) <= limit:
        return whole
    room = limit - len(before) - 1
    kept: list[str] = []
    for character in text:
        piece = _ENTITIES.get(character, character)
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return f"{before}{''.join(kept)}…"


def plain(text: str, limit: int) -> Block:
    """The text as a plain text object."""
    return {"type": "plain_text", "text": clip(text, limit), "emoji": True}


def header(text: str) -> Block:
    """A headline."""
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str) -> Block:
    """A paragraph of markup: the caller has escaped what is not its own."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def paragraph(text: str) -> Block:
    """A paragraph that shows any text, cut off where Slack would refuse it."""
    return section(clip(text, SECTION))


def fields(facts: Sequence[tuple[str, str]]) -> Iterator[Block]:
    """Names and values in two columns; what has no value is left out."""
    told = [
        {"type": "mrkdwn", "text": clip(value, _FIELD, f"*{clip(name, HEADER)}*\n")}
        for name, value in facts
        if value
    ]
    for start in range(0, len(told), _FIELDS_IN_SECTION):
        yield {"type": "section", "fields": told[start : start + _FIELDS_IN_SECTION]}
