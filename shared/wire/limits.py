"""How much of a message is accepted, in one place."""

from __future__ import annotations

from typing import Final

from shared.domain.errors import Refused

MAX_BODY: Final = 30 * 1024 * 1024  # bytes of one webhook
MAX_ALERTS: Final = 10_000  # of one webhook
MAX_ALERT: Final = 256 * 1024  # bytes of one alert, after its texts are cut
MAX_TEXT: Final = 4_096  # characters of one label, annotation or name
MAX_SNIPPET: Final = 400  # characters kept of a message that was rejected
MAX_REJECTED: Final = 100  # rejected alerts of one webhook that are described one by one


class TooLarge(Refused):
    """The message is beyond what is accepted: answer 413, so that the sender notices."""
