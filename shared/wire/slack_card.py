"""A card as Slack's blocks, and its buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from shared.domain.paging import Card, Choice
from shared.wire.slack_text import (
    FALLBACK,
    HEADER,
    Block,
    clip,
    escape,
    fields,
    header,
    paragraph,
    plain,
    section,
)

_CONTEXT: Final = 2000
_RUNBOOK: Final = 1000
_CONFIRM_TEXT: Final = 300
_BUTTON_VALUE: Final = 2000
_BLOCKS: Final = 50
_BLOCKS_AFTER_PARAGRAPHS: Final = 3  # runbook, status and buttons always find room

_MEMBER: Final = re.compile(r"[A-Z0-9]{1,50}")
_LINK: Final = re.compile(r"https?://[^\s|<>]{1,2000}")


@dataclass(frozen=True, slots=True)
class _Button:
    """`confirm` asks again before it counts; without `warning` the card's last paragraph is said."""

    label: str
    style: str = ""
    confirm: str = ""
    warning: str = ""


_BUTTONS: Final = {
    Choice.ACKNOWLEDGE: _Button("Acknowledge"),
    Choice.APPROVE: _Button("Approve rollback", "primary", "Roll back?"),
    Choice.REJECT: _Button("Reject", "danger"),
    Choice.RESOLVE: _Button(
        "It is over",
        confirm="Is it over?",
        warning="Alerts are counted once more; if none fires the incident is closed."
        " If some do, you are told which, and may end them.",
    ),
}

_APPROVE_RELEASE: Final = _Button("Approve release", "primary", "Release?")

BUTTONS: Final = tuple(_BUTTONS)
"""The choices that are buttons of a card."""


def blocks(card: Card, url: str = "") -> list[Block]:
    """The card as blocks; `url` is where the status pages are.

    The last paragraph of a card that offers a rollback says what would move: the confirmation of
    *Approve rollback* repeats it.
    """
    first = [section(line)] if (line := _first_line(card)) else []
    above = [header(card.headline or "Alert"), *first, *fields(card.facts)]
    room = _BLOCKS - len(above) - _BLOCKS_AFTER_PARAGRAPHS
    told = (paragraph(text) for text in card.paragraphs if text.strip())
    return [*above, *islice(told, room), *_below(card, url)]


def fallback(card: Card) -> str:
    """The card as one line, for notifications and screen readers."""
    before = f"{_mention(card.mention)} " if card.mention else ""
    severity = f"{card.severity}: " if card.severity else ""
    return clip(f"{severity}{card.headline}", FALLBACK, before)


def _mention(member: str) -> str:
    return f"<@{member}>" if _MEMBER.fullmatch(member) else escape(member)[:HEADER]


def _first_line(card: Card) -> str:
    """Who is meant, and how bad it is; empty for a notice, which is neither."""
    severity = f"*{card.severity.upper()}*" if card.severity else ""
    return f"{_mention(card.mention)}  {severity}".rstrip() if card.mention else severity


def _below(card: Card, url: str) -> Iterator[Block]:
    if further := [*_further(card, url)]:
        yield section("  ·  ".join(further))
    if card.status:
        elements = [{"type": "mrkdwn", "text": clip(card.status, _CONTEXT)}]
        yield {"type": "context", "elements": elements}
    if card.choices:
        yield {"type": "actions", "elements": [_button(choice, card) for choice in card.choices]}


def _further(card: Card, url: str) -> Iterator[str]:
    """Where to read on: what to do about it, and all that is known of it."""
    if card.runbook:
        link = _LINK.fullmatch(card.runbook)
        yield f"<{escape(card.runbook)}|Runbook>" if link else clip(card.runbook, _RUNBOOK)
    if card.incident and url:
        yield f"<{escape(url)}/status/incidents/{quote(card.incident, safe='')}|Incident page>"


def _button(choice: Choice, card: Card) -> Block:
    if len(card.subject) > _BUTTON_VALUE:
        raise ValueError(f"a subject of {len(card.subject)} characters fits no button")
    approves_release = card.release and choice is Choice.APPROVE
    button = _APPROVE_RELEASE if approves_release else _BUTTONS[choice]
    drawn: Block = {
        "type": "button",
        "text": plain(button.label, HEADER),
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
    asked: Block = {
        "title": plain(button.confirm, HEADER),
        "text": plain(button.warning or moves or button.label, _CONFIRM_TEXT),
        "confirm": plain(button.label, HEADER),
        "deny": plain("Not now", HEADER),
    }
    return {**asked, "style": button.style} if button.style else asked
