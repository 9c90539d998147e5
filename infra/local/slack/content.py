"""What a message says, checked against Slack's rules before anything is kept."""

from dataclasses import dataclass
from typing import Any

from infra.local.slack.arguments import Arguments
from infra.local.slack.block_kit import message_faults
from infra.local.slack.errors import SlackError
from infra.local.slack.model import Json

# https://docs.slack.dev/reference/methods/chat.postMessage and chat.update
POST_TEXT = 40_000
UPDATE_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Content:
    """Text, blocks and metadata as the call gave them; None where it gave nothing."""

    text: str | None
    blocks: tuple[Json, ...] | None
    metadata: Json | None

    @property
    def is_empty(self) -> bool:
        """Whether there would be nothing to see."""
        return not self.text and not self.blocks


def read_content(arguments: Arguments, longest_text: int) -> Content:
    """The content of a call; SlackError says what Slack would refuse about it."""
    text = arguments.text("text") if "text" in arguments else None
    if text is not None and len(text) > longest_text:
        raise SlackError("msg_too_long")
    return Content(text, _blocks(arguments), _metadata(arguments))


def _blocks(arguments: Arguments) -> tuple[Json, ...] | None:
    if "blocks" not in arguments:
        return None
    blocks: Any = arguments.structure("blocks", "invalid_blocks_format")
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    refuse("invalid_blocks", message_faults(blocks))
    return tuple(blocks)


def _metadata(arguments: Arguments) -> Json | None:
    """https://docs.slack.dev/messaging/message-metadata: a type and a flat payload."""
    metadata: Any = arguments.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if not metadata:
        return {}
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not event_type or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_schema")
    return {"event_type": event_type, "event_payload": payload}


def refuse(code: str, faults: list[str]) -> None:
    """Raises SlackError `code` with the faults as Slack words them, if there are any."""
    if faults:
        raise SlackError(code, [f"[ERROR] {fault}" for fault in faults])
