"""Switchman's own small messages: `{"action": "ID"}`, `{"instruction": "ID"}`, a drill's order."""

from __future__ import annotations

from shared.domain.errors import BadMessage
from shared.wire import strict_json


def field(data: bytes, name: str) -> str:
    """The text under `name`. Raises `BadMessage` when the message does not have it."""
    values = strict_json.decode(strict_json.clean(data), dict[str, object], "the message")
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise BadMessage(f"the message has no {name}")
    return value
