"""What a slash command is answered, for the person alone.

https://docs.slack.dev/interactivity/implementing-slash-commands#responding_immediate_response
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from shared.wire.slack_text import FALLBACK, clip, fields, header, paragraph

_FACTS: Final = 50
_PARAGRAPHS: Final = 40


def private(
    headline: str, facts: Sequence[tuple[str, str]], paragraphs: Sequence[str]
) -> dict[str, Any]:
    """A message that only the person who asked sees; what does not fit is cut off."""
    told = [text for text in paragraphs if text.strip()]
    return {
        "response_type": "ephemeral",
        "text": clip(": ".join([*filter(None, [headline]), *told[:1]]), FALLBACK),
        "blocks": [
            *([header(headline)] if headline else []),
            *fields(facts[:_FACTS]),
            *map(paragraph, told[:_PARAGRAPHS]),
        ],
    }
