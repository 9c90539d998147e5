"""What is kept of a message that was rejected: short, printable, and without secrets."""

from __future__ import annotations

from typing import Final

from shared.domain.secrets import redacted
from shared.wire.limits import MAX_SNIPPET

_READ: Final = (
    4 * MAX_SNIPPET
)  # read further than is shown, so that no secret is cut before it ends


def snippet(raw: bytes) -> str:
    """The beginning of a message, for a person to recognise it by."""
    shown = raw[:_READ].decode("utf-8", "replace")
    shown = "".join(char if char.isprintable() else " " for char in shown)
    shown = redacted(shown)
    return shown if len(shown) <= MAX_SNIPPET else shown[: MAX_SNIPPET - 1] + "…"
