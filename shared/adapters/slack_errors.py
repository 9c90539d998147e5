"""What Slack's errors mean for the caller.

Codes: https://docs.slack.dev/reference/methods/chat.postMessage#errors and
https://docs.slack.dev/reference/methods/views.open#errors; rate limits:
https://docs.slack.dev/apis/web-api/rate-limits. Slack says of `internal_error` and `fatal_error`
that some of the operation may have succeeded all the same, so they leave a post in doubt.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError

from shared.domain.errors import Refused, SwitchmanError, Transient, UnknownOutcome

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
_NOT_DONE: Final = frozenset(
    {"request_timeout", "team_added_to_org", "message_limit_exceeded", "hash_conflict"}
)
_NOT_THERE: Final = frozenset(
    {"channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived", "not_found"}
)
_IN_DOUBT: Final = frozenset({"internal_error", "fatal_error", "service_unavailable"})
_NEW_TOKEN: Final = "install the Slack app again and store its bot token as SLACK_BOT_TOKEN"  # noqa: S105 - advice
_TOO_LATE: Final = "it took longer than the three seconds Slack allows; try it again"
_NEXT_STEP: Final = {
    "channel_not_found": "correct the channel in the policy; if it is private, invite the app",
    "not_in_channel": "invite the app to the channel",
    "is_archived": "unarchive the channel, or name another one in the policy",
    "restricted_action": "ask a workspace administrator who may post there",
    "user_not_in_channel": "the person must join the channel to see such a message",
    "message_not_found": "the message was deleted",
    "not_found": "the modal was closed",
    "expired_trigger_id": _TOO_LATE,
    "exchanged_trigger_id": _TOO_LATE,
    "invalid_trigger_id": _TOO_LATE,
    "account_inactive": _NEW_TOKEN,
    "invalid_auth": _NEW_TOKEN,
    "not_authed": _NEW_TOKEN,
    "token_expired": _NEW_TOKEN,
    "token_revoked": _NEW_TOKEN,
}


class NotThere(Refused):
    """The channel or the modal does not exist, or is not open to us or to the person."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of Slack's Web API; `repeatable` when doing it twice does no harm."""

    method: str
    channel: str
    repeatable: bool

    def __str__(self) -> str:
        return f"Slack's {self.method} for {self.channel}" if self.channel else self.method

    def in_doubt(self, what: str) -> SwitchmanError:
        """The error for a call that may have succeeded."""
        text = f"{self}: {what}"
        return Transient(text) if self.repeatable else UnknownOutcome(text)


def retry_after(error: SlackApiError) -> timedelta | None:
    """How long Slack asks to wait; None when it did not refuse for being called too often."""
    response: Any = error.response
    limited = response.status_code == _TOO_MANY_REQUESTS or _code(error) in _RATE_LIMITED
    if not limited:
        return None
    headers = {name.lower(): value for name, value in response.headers.items()}
    seconds = str(headers.get("retry-after", "1"))
    return timedelta(seconds=int(seconds) if seconds.isdecimal() else 1)


def from_answer(error: SlackApiError, call: Call) -> SwitchmanError:
    """The error for an answer of Slack's that is not `ok`."""
    code, status = _code(error), error.response.status_code
    wait = retry_after(error)
    if wait is not None:
        return Transient(f"{call}: too many calls; wait {wait.total_seconds():g} s")
    if code in _NOT_DONE:
        return Transient(f"{call}: {code}")
    if status >= _SERVER_ERROR or code in _IN_DOUBT or not code:
        return call.in_doubt(f"answered {status} {code}".rstrip())
    refusal = NotThere if code in _NOT_THERE else Refused
    return refusal(f"{call}: {code}; {_next_step(error, code, call)}")


def from_failure(error: Exception, call: Call) -> SwitchmanError:
    """The error for a call without an answer: only a connection never made is surely not sent."""
    reason = error.reason if isinstance(error, URLError) else error
    what = f"no answer ({type(reason).__name__})"
    never_sent = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
    if isinstance(reason, never_sent):
        return Transient(f"{call}: not reached ({type(reason).__name__})")
    return call.in_doubt(what)


def _code(error: SlackApiError) -> str:
    """Slack's own word; empty when the answer was not Slack's JSON."""
    data: object = error.response.data
    code = data.get("error") if isinstance(data, dict) else None
    return code if isinstance(code, str) and code.replace("_", "").isalnum() else ""


def _next_step(error: SlackApiError, code: str, call: Call) -> str:
    if code == "missing_scope":
        needed = error.response.get("needed") or "that it lacks"
        return f"add the scope {needed} to the Slack app and install it again"
    page = f"see https://docs.slack.dev/reference/methods/{call.method}#errors"
    return _NEXT_STEP.get(code, page)
