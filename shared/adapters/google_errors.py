"""What Google's errors mean for the caller.

Codes: https://cloud.google.com/apis/design/errors#handling_errors and, for what a client may
conclude from them, https://grpc.github.io/grpc/core/md_doc_statuscodes.html: UNAVAILABLE is no
promise that the server has not seen the request, and after DEADLINE_EXCEEDED a change may have
been made all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from shared.domain.errors import Conflict, Refused, SwitchmanError, Transient, UnknownOutcome

T = TypeVar("T")

# The answers that say for certain that nothing was changed, by the names of their gRPC codes.
_SAID: Final[dict[str, type[SwitchmanError]]] = {
    "ABORTED": Conflict,
    "ALREADY_EXISTS": Refused,
    "FAILED_PRECONDITION": Refused,
    "INVALID_ARGUMENT": Refused,
    "NOT_FOUND": Refused,
    "OUT_OF_RANGE": Refused,
    "PERMISSION_DENIED": Refused,
    "RESOURCE_EXHAUSTED": Transient,
    "UNAUTHENTICATED": Refused,
    "UNIMPLEMENTED": Refused,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a Google API: what it does, what it needs, and whether it changes anything.

    `command` is what a person types to grant the permission.
    """

    what: str
    permission: str
    command: str
    changes: bool = False


def asked(call: Call, ask: Callable[[], T]) -> T:
    """The answer of `ask`, one call of Google's client.

    Raises:
        Refused: Google says no; nothing changed.
        Conflict: Somebody else changed it first; nothing changed.
        Transient: It may succeed later; nothing changed.
        UnknownOutcome: It may have happened. Only of a call that changes something.
    """
    from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        return ask()
    except GoogleAuthError as error:
        name = type(error).__name__
        raise Transient(f"{call.what}: no credentials ({name}); nothing was sent") from error
    except GoogleAPICallError as error:
        code = error.grpc_status_code.name if error.grpc_status_code else ""
        raise _sorted(call, code, str(error.message)) from error
    except GoogleAPIError as error:
        raise _sorted(call, "", str(error)) from error


def _sorted(call: Call, code: str, message: str) -> SwitchmanError:
    in_doubt = UnknownOutcome if call.changes else Transient
    kind = _SAID.get(code, in_doubt)
    return kind(f"{call.what}: {code or 'no answer'}: {message}{_hint(call, code, message)}")


def _hint(call: Call, code: str, message: str) -> str:
    if code == "UNAUTHENTICATED":
        return " (these credentials are not valid: check the service account)"
    if code != "PERMISSION_DENIED":
        return ""
    if "actas" in message.lower():
        return " (grant roles/iam.serviceAccountUser on the service's own account)"
    return f" (needs {call.permission}; grant it: {call.command})"
