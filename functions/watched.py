"""What could not be worked on is counted, so that the third failure is told past everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flask import Request
from flask.typing import ResponseReturnValue as Answer

from shared import bootstrap
from shared.domain.errors import Away, Misconfigured, SwitchmanError
from shared.wire.snippets import snippet

if TYPE_CHECKING:
    from shared.app.last_resort import Failure
    from shared.wire.waiting import Waiting

Waits = Callable[[bytes, Mapping[str, str]], "Waiting"]
"""What waits while a request with this body and these headers fails."""


def watch(
    function: str, request: Request, answer: Answer, error: Exception | None, waits: Waits
) -> None:
    """Count a request by its answer, and by what was raised.

    `Misconfigured`, `Away`, what nobody foresaw and an answer of 5xx are failures. That somebody
    else came first, that an action is held or a vendor is away says nothing about whether
    Switchman can work, and neither does a sender's mistake.
    """
    status = _status(answer)
    if status < 300 and error is None:
        bootstrap.watch().worked(function)
    elif status == 500 or (status > 500 and isinstance(error, Misconfigured | Away | None)):
        waiting = waits(request.get_data(), dict(request.headers))
        bootstrap.watch().failed(_failure(function, status, error, waiting))


def _failure(function: str, status: int, error: Exception | None, waiting: Waiting) -> Failure:
    from shared.app.last_resort import Failure

    cause, faults = _why(function, status, error)
    return Failure(
        function=function,
        cause=cause,
        faults=faults,
        waiting=waiting.words,
        delivery=waiting.delivery,
    )


def _why(function: str, status: int, error: Exception | None) -> tuple[str, tuple[str, ...]]:
    """What the same trouble has in common, and what is wrong; never a text that may be secret."""
    match error:
        case None:
            return f"{function} answered {status}", (f"It answered {status}: its log says why.",)
        case Misconfigured():
            return "; ".join(error.faults), error.faults
        case SwitchmanError():
            return type(error).__name__, (snippet(str(error).encode("utf-8", "replace")),)
        case _:
            name = type(error).__name__
            return f"unforeseen {name}", (f"{name}, which nobody foresaw: the log says where.",)


def _status(answer: Answer) -> int:
    given = answer[1] if isinstance(answer, tuple) and len(answer) > 1 else 200
    return given if isinstance(given, int) else 200
