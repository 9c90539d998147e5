"""What every entry point does at its edge: turn errors into answers, and never show a traceback.

| what happened | answer | and then |
|---|---|---|
| `BadMessage`: it can never succeed | 200; 400 to a sender who waits | the reason is logged |
| `TooLarge`: beyond what is accepted | 200; 413 to a sender who waits | the same |
| `BadSignature`: nobody known sent it | 401 | nothing in it is believed |
| `Refused`: not as things stand | 409 | the person who asked reads why |
| `Transient`: it may succeed later | 503 | it comes again |
| `Misconfigured`: a fault of the deployment | 503 | it comes again; one line names every fault |
| anything unforeseen | 500 | it comes again; the log says where it came from |

What fails again and again on our side is told through the last resort (functions/watched.py).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Final

from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.watched import Waits, watch
from shared import bootstrap
from shared.domain.errors import BadMessage, Refused, SwitchmanError, Transient
from shared.wire.limits import TooLarge
from shared.wire.slack import BadSignature
from shared.wire.snippets import snippet

if TYPE_CHECKING:
    from shared.app.handle import Handled

Handler = Callable[[Request], Answer]

LOG: Final = logging.getLogger("switchman")

_TRACE: Final = re.compile(r"([0-9a-f]{32})(?:/|$)")


def answers(
    *methods: str, acknowledges: bool = True, waits: Waits | None = None
) -> Callable[[Handler], Handler]:
    """Answer these methods, and map what the handler raises as the table above says.

    With `acknowledges` (Pub/Sub delivers) a message that can never succeed is answered 200,
    because anything else brings it back; without, its sender is told 400 and why. `waits` names
    what is held up when a request fails; without it nothing is, and nobody is told.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(request: Request) -> Answer:
            with bootstrap.logging_for(handler.__name__, _trace(request)):
                if not _is_whole(request):
                    return _error(400, "the body breaks off")
                if request.method not in methods:
                    return _error(405, f"use {' or '.join(methods)}", Allow=", ".join(methods))
                given, error = _given(handler, request, acknowledges)
                if waits is not None:
                    watch(handler.__name__, request, given, error, waits)
                return given

        return answer

    return decorate


def _given(
    handler: Handler, request: Request, acknowledges: bool
) -> tuple[Answer, Exception | None]:
    """The answer, and what the handler raised."""
    try:
        return handler(request), None
    except SwitchmanError as error:
        return _known(error, acknowledges), error
    except Exception as error:
        return _unforeseen(error), error


def said(result: Handled) -> str:
    """What an event led to, in words."""
    return result.reason.value if result.reason else "taken before"


def _is_whole(request: Request) -> bool:
    """Whether the body could be read to its end; it is kept, and nothing reads it again.

    The framework reads the rest of every request once more, and would show what that raises.
    The server does not say when a body is shorter than its Content-Length.
    """
    try:
        size = len(request.get_data())
    except Exception as error:
        LOG.warning("the body breaks off: %s", type(error).__name__)
        request.stream = BytesIO()
        return False
    if size < (request.content_length or 0):
        LOG.warning("the body breaks off: %d of %d bytes", size, request.content_length)
        return False
    return True


def _known(error: SwitchmanError, acknowledges: bool) -> Answer:
    reason = snippet(str(error).encode("utf-8", "replace"))
    match error:
        case BadMessage() | TooLarge() if acknowledges:
            LOG.warning("rejected: %s", reason)
            return {"rejected": reason}, 200
        case BadMessage() | TooLarge():
            LOG.warning("rejected: %s", reason)
            return _error(413 if isinstance(error, TooLarge) else 400, reason)
        case BadSignature():
            LOG.warning("not believed: %s", reason)
            return _error(401, "the signature does not hold")
        case Refused():
            LOG.info("refused: %s", reason)
            return _error(409, reason)
        case bootstrap.Misconfigured():
            LOG.error("misconfigured: %s", "; ".join(error.faults))
            return _error(503, "not set up; send it again", **{"Retry-After": "10"})
        case Transient():
            LOG.warning("not now: %s", reason)
            return _error(503, "not now; send it again", **{"Retry-After": "1"})
        case _:
            return _unforeseen(error)


def _unforeseen(error: Exception) -> Answer:
    LOG.error("unforeseen: %s", type(error).__name__, exc_info=error)
    return _error(500, "something unforeseen happened; send it again")


def _error(status: int, text: str, **headers: str) -> Answer:
    return {"error": text}, status, headers


def _trace(request: Request) -> str:
    """The trace of Cloud Run's request header (https://cloud.google.com/trace/docs/trace-context).

    Anybody may send the header: what is no trace is not logged.
    """
    found = _TRACE.match(request.headers.get("X-Cloud-Trace-Context", ""))
    return found[1] if found else ""
