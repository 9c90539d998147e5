"""The modal in which a person asks for a rollback, as Slack's views.

A view: https://docs.slack.dev/reference/views/modal-views. An update replaces all of a view; what
was typed stays as long as its input keeps its `block_id` and `action_id`
(https://docs.slack.dev/surfaces/modals#updating_views).
"""

from __future__ import annotations

from typing import Any, Final

from shared.domain.paging import Sheet
from shared.wire.slack_text import SECTION, Block, clip, paragraph, plain, section

View = dict[str, Any]

CALLBACK: Final = "switchman_rollback"
"""The `callback_id` by which a submission is known as ours."""

REASON: Final = "reason"
"""The reason's `block_id`, and its `action_id`."""

_TITLE: Final = 24
_LABEL: Final = 150
_MOVES: Final = 50


def placeholder(stack: str) -> View:
    """The modal while the plan of the stack with this id is being made."""
    return _asking(stack, _told(f"Preparing the plan for {stack}…"))


def filled(stack: str, sheet: Sheet) -> View:
    """The modal with its plan; without one it says why, and nothing can be submitted."""
    if not sheet.moves:
        return _view(stack, _told(f"{sheet.stack} cannot be rolled back.", sheet.note))
    name = section(f"*{clip(sheet.stack, SECTION - 2)}*")
    moves = _told(*(f"• {move}" for move in sheet.moves[:_MOVES]))
    plan = _told("\n".join(sheet.plan))
    approvers = section(clip(sheet.approvers, SECTION, "*Somebody else has to approve it:* "))
    return _asking(stack, [name, *moves, *plan, approvers, *_told(sheet.note)])


def accepted(stack: str) -> dict[str, Any]:
    """The answer to a submission that was stored.

    https://docs.slack.dev/surfaces/modals#updating_response
    """
    text = (
        "Your request is on its way. Somebody who may approve it is paged; nothing moves until "
        "they have. If it cannot be granted, you are told in a direct message."
    )
    return {"response_action": "update", "view": _view(stack, _told(text))}


def rejected(why: str) -> dict[str, Any]:
    """The answer to a submission whose reason will not do: the modal says so below the field.

    https://docs.slack.dev/surfaces/modals#displaying_errors
    """
    return {"response_action": "errors", "errors": {REASON: why}}


def _asking(stack: str, above: list[Block]) -> View:
    """A view that can be submitted; its input is the same each time, so what was typed stays."""
    reason: Block = {
        "type": "input",
        "block_id": REASON,
        "label": plain("Why roll back?", _LABEL),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON,
            "multiline": True,
            "placeholder": plain("What is wrong, and since when", _LABEL),
        },
    }
    view = _view(stack, [*above, reason])
    return {
        **view,
        "submit": plain("Ask for approval", _TITLE),
        "close": plain("Cancel", _TITLE),
    }


def _told(*texts: str) -> list[Block]:
    return [paragraph(text) for text in texts if text.strip()]


def _view(stack: str, blocks: list[Block]) -> View:
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": stack,
        "title": plain("Roll back", _TITLE),
        "close": plain("Close", _TITLE),
        "blocks": blocks,
    }
