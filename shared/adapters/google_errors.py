"""What Google's errors mean for the caller: try again, look up what happened, or stop.

| gRPC code (HTTP)                        | a change         | a read      | the caller            |
|-----------------------------------------|------------------|-------------|-----------------------|
| INVALID_ARGUMENT, OUT_OF_RANGE (400)    | `Refused`        | `Refused`   | stops                 |
| FAILED_PRECONDITION (400)               | `Refused`        | `Refused`   | stops                 |
| UNAUTHENTICATED (401)                   | `Refused`        | `Refused`   | stops                 |
| PERMISSION_DENIED (403)                 | `Refused`        | `Refused`   | stops, and is told    |
| NOT_FOUND (404)                         | `Refused`        | `Refused`   | stops                 |
| ALREADY_EXISTS (409)                    | `Refused`        | `Refused`   | stops                 |
| UNIMPLEMENTED (501)                     | `Refused`        | `Refused`   | stops                 |
| ABORTED (409), and any 409 over REST    | `Conflict`       | `Conflict`  | looks, decides anew   |
| RESOURCE_EXHAUSTED (429)                | `Transient`      | `Transient` | tries again, later    |
| UNAVAILABLE (503)                       | `UnknownOutcome` | `Transient` | looks up; tries again |
| DEADLINE_EXCEEDED (504), CANCELLED (499)| `UnknownOutcome` | `Transient` | looks up; tries again |
| INTERNAL, UNKNOWN, DATA_LOSS (500)      | `UnknownOutcome` | `Transient` | looks up; tries again |
| no code at all                          | `UnknownOutcome` | `Transient` | looks up; tries again |
| no credentials: nothing was sent        | `Transient`      | `Transient` | tries again           |

Codes and their HTTP counterparts: https://cloud.google.com/apis/design/errors#handling_errors.
What may be tried again, and that a client over quota waits at least 30 s:
https://cloud.google.com/apis/design/errors#error_retries. What a client may conclude from a code:
https://grpc.github.io/grpc/core/md_doc_statuscodes.html: UNAVAILABLE is no promise that the server
has not seen the request, and after DEADLINE_EXCEEDED a change may have been made all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from shared.domain.errors import Conflict, Refused, SwitchmanError, Transient, UnknownOutcome

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

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
_OF_HTTP: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
}
_HINTS: Final = {
    "RESOURCE_EXHAUSTED": " (over quota: wait at least 30 s before trying again)",
    "UNAUTHENTICATED": " (these credentials are not valid: check the service account)",
}
_ACT_AS: Final = "iam.serviceaccounts.actas"
_ACCOUNT: Final = re.compile(r"[\w.-]+@[\w.-]+\.gserviceaccount\.com")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a Google API: what it does, what it needs, and whether it changes anything.

    `command` is what a person types to grant the permission; `ACCOUNT` in it stands for the
    service account that Switchman runs as.
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
        raise _sorted(call, _code(error), str(error.message)) from error
    except GoogleAPIError as error:
        raise _sorted(call, "", str(error)) from error


def _code(error: GoogleAPICallError) -> str:
    """The name of the error's gRPC code; that of a bare HTTP status where REST gave no other."""
    if error.grpc_status_code:
        return str(error.grpc_status_code.name)
    return _OF_HTTP.get(error.code or 0, "")


def _sorted(call: Call, code: str, message: str) -> SwitchmanError:
    in_doubt = UnknownOutcome if call.changes else Transient
    kind = _SAID.get(code, in_doubt)
    return kind(f"{call.what}: {code or 'no answer'}: {message}{_hint(call, code, message)}")


def _hint(call: Call, code: str, message: str) -> str:
    if code != "PERMISSION_DENIED":
        return _HINTS.get(code, "")
    if _ACT_AS not in message.lower():
        return f" (needs {call.permission}; grant it: {call.command})"
    named = _ACCOUNT.search(message)
    return f" (needs iam.serviceAccounts.actAs; grant it: {_act_as(named[0] if named else '')})"


def _act_as(account: str) -> str:
    return (
        f"gcloud iam service-accounts add-iam-policy-binding {account or 'THE_SERVICES_ACCOUNT'} "
        "--member=serviceAccount:ACCOUNT --role=roles/iam.serviceAccountUser"
    )
