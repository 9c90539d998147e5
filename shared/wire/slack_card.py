"""A card as Slack's blocks, within Slack's limits.

Limits: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/reference/block-kit/composition-objects. In every text object `&`, `<` and
`>` are entities: https://docs.slack.dev/messaging/formatting-message-text#escaping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from shared.domain.paging import Card, Choice

Block = dict[str, Any]

_HEADER: Final = 150
_SECTION: Final = 3000
_FIELD: Final = 2000
_FIELDS_IN_SECTION: Final = 10
_CONTEXT: Final = 2000
_CONFIRM_TEXT: Final = 300
_BUTTON_VALUE: Final = 2000
_FALLBACK: Final = 3000
_BLOCKS: Final = 50
_BLOCKS_AFTER_PARAGRAPHS: Final = 3  # runbook, status and buttons always find room

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MEMBER: Final = re.compile(r"[A-Z0-9]{1,50}")
_LINK: Final = re.compile(r"https?://[^\s|<>]{1,2000}")


@dataclass(frozen=True, slots=True)
class _Button:
    label: str
    style: str = ""
    confirm: str = ""


_BUTTONS: Final = {
    Choice.ACKNOWLEDGE: _Button("Acknowledge"),
    Choice.APPROVE: _Button("Approve rollback", "primary", "Roll back?"),
    Choice.REJECT: _Button("Reject", "danger"),
}


def blocks(card: Card) -> list[Block]:
    """The card as blocks.

    The last paragraph of a card that offers a rollback says what would move: the confirmation of
    *Approve rollback* repeats it.
    """
    above = [_header(card), _section(_first_line(card)), *_facts(card.facts)]
    room = _BLOCKS - len(above) - _BLOCKS_AFTER_PARAGRAPHS
    return [*above, *islice(_paragraphs(card), room), *_below(card)]


def fallback(card: Card) -> str:
    """The card as one line, for notifications and screen readers."""
    before = f"{_mention(card.mention)} " if card.mention else ""
    return _clip(f"{card.severity}: {card.headline}", _FALLBACK, before)


def escape(text: str) -> str:
    """The text with Slack's control characters as entities, so that Slack shows it as it is."""
    return "".join(_ENTITIES.get(character, character) for character in text)


def _clip(text: str, limit: int, before: str = "") -> str:
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


def _mention(member: str) -> str:
    return f"<@{member}>" if _MEMBER.fullmatch(member) else escape(member)[:_HEADER]


def _header(card: Card) -> Block:
    return {"type": "header", "text": _plain(card.headline or "Alert", _HEADER)}


def _first_line(card: Card) -> str:
    """Who is meant, and how bad it is."""
    severity = f"*{card.severity.upper()}*"
    return f"{_mention(card.mention)}  {severity}" if card.mention else severity


def _facts(facts: Sequence[tuple[str, str]]) -> Iterator[Block]:
    told = [
        {"type": "mrkdwn", "text": _clip(value, _FIELD, f"*{_clip(name, _HEADER)}*\n")}
        for name, value in facts
        if value
    ]
    for start in range(0, len(told), _FIELDS_IN_SECTION):
        yield {"type": "section", "fields": told[start : start + _FIELDS_IN_SECTION]}


def _paragraphs(card: Card) -> Iterator[Block]:
    return (_section(_clip(text, _SECTION)) for text in card.paragraphs if text.strip())


def _below(card: Card) -> Iterator[Block]:
    if card.runbook:
        link = _LINK.fullmatch(card.runbook)
        text = f"<{escape(card.runbook)}|Runbook>" if link else _clip(card.runbook, _SECTION)
        yield _section(text)
    if card.status:
        elements = [{"type": "mrkdwn", "text": _clip(card.status, _CONTEXT)}]
        yield {"type": "context", "elements": elements}
    if card.choices:
        yield {"type": "actions", "elements": [_button(choice, card) for choice in card.choices]}


def _button(choice: Choice, card: Card) -> Block:
    if len(card.subject) > _BUTTON_VALUE:
        raise ValueError(f"a subject of {len(card.subject)} characters fits no button")
    button = _BUTTONS[choice]
    drawn: Block = {
        "type": "button",
        "text": _plain(button.label, _HEADER),
        "action_id": choice.value,
        "value": card.subject,
    }
    if button.style:
        drawn["style"] = button.style
    if button.confirm:
        drawn["confirm"] = _confirm(button, card)
    return drawn


def _confirm(button: _Button, card: Card) -> Block:
    moves = next((text for text in reversed(card.paragraphs) if text.strip()), card.headline)
    return {
        "title": _plain(button.confirm, _HEADER),
        "text": _plain(moves or button.label, _CONFIRM_TEXT),
        "confirm": _plain(button.label, _HEADER),
        "deny": _plain("Not now", _HEADER),
        "style": button.style,
    }


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": _clip(text, limit), "emoji": True}
