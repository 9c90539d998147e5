"""What can go wrong, sorted by who is told.

SlackError       the caller of the Web API: HTTP 200 with `ok: false`
RequestError     whoever drives the simulator: a 4xx with a message
"""

from collections.abc import Sequence


class SlackError(Exception):
    """A Web API call that Slack refuses, by Slack's own word for the reason."""

    def __init__(self, code: str, messages: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)


class RequestError(Exception):
    """A request to the simulator that cannot be carried out; `status` is the HTTP answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
