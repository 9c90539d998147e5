"""Faults that can be ordered for the next calls about a service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import grpc

from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.model import Problem, Service
from infra.local.cloud_run.templates import service_account_in


class FaultKind(StrEnum):
    """What goes wrong.

    The first two answer an update with FAILED_PRECONDITION and ABORTED, and change nothing.
    ``operation_error``: the update is accepted and its operation ends in an error.
    ``slow_operation``: the operation takes ``seconds``. ``timeout_after_success``: the change is
    made, the answer is DEADLINE_EXCEEDED. ``late_landing``: the answer is DEADLINE_EXCEEDED, the
    change is made ``seconds`` later. ``act_as_denied``: PERMISSION_DENIED for want of
    ``iam.serviceaccounts.actAs``. The others answer with the gRPC code of their name, and change
    nothing; so they can befall a read as well.
    """

    REFUSE_UPDATE = "refuse_update"
    ETAG_CONFLICT = "etag_conflict"
    OPERATION_ERROR = "operation_error"
    SLOW_OPERATION = "slow_operation"
    TIMEOUT_AFTER_SUCCESS = "timeout_after_success"
    LATE_LANDING = "late_landing"
    ACT_AS_DENIED = "act_as_denied"
    ABORTED = "aborted"
    ALREADY_EXISTS = "already_exists"
    CANCELLED = "cancelled"
    DATA_LOSS = "data_loss"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    FAILED_PRECONDITION = "failed_precondition"
    INTERNAL = "internal"
    INVALID_ARGUMENT = "invalid_argument"
    NOT_FOUND = "not_found"
    OUT_OF_RANGE = "out_of_range"
    PERMISSION_DENIED = "permission_denied"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAUTHENTICATED = "unauthenticated"
    UNAVAILABLE = "unavailable"
    UNIMPLEMENTED = "unimplemented"
    UNKNOWN = "unknown"


class ApiMethod(StrEnum):
    """The methods that can meet a fault."""

    UPDATE_SERVICE = "UpdateService"
    GET_SERVICE = "GetService"
    LIST_REVISIONS = "ListRevisions"
    WAIT_OPERATION = "WaitOperation"

    @property
    def permission(self) -> str:
        """What the caller needs."""
        return _PERMISSIONS[self]


_PERMISSIONS = {
    ApiMethod.UPDATE_SERVICE: "run.services.update",
    ApiMethod.GET_SERVICE: "run.services.get",
    ApiMethod.LIST_REVISIONS: "run.revisions.list",
    ApiMethod.WAIT_OPERATION: "run.operations.get",
}
_CODES = {kind: code for kind in FaultKind for code in grpc.StatusCode if code.name.lower() == kind}
_OF_AN_UPDATE = frozenset(FaultKind) - frozenset(_CODES)
_OF_THE_CHANGE = _OF_AN_UPDATE - {FaultKind.ACT_AS_DENIED}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for one service: for the next ``times`` calls, or for ever when that is -1."""

    service: str
    kind: FaultKind
    times: int
    seconds: float
    method: ApiMethod = ApiMethod.UPDATE_SERVICE

    def strikes(self, method: ApiMethod, *, validate_only: bool = False) -> bool:
        """Whether the call meets this fault.

        A dry run meets what it would meet as a real request, permissions included
        (https://google.aip.dev/163), but leaves alone what is ordered for the change itself.
        """
        return self.method is method and not (validate_only and self.kind in _OF_THE_CHANGE)

    @property
    def possible(self) -> bool:
        """Whether the method can meet such a fault at all."""
        return self.method is ApiMethod.UPDATE_SERVICE or self.kind not in _OF_AN_UPDATE


def refusal(fault: Fault, service: Service) -> CloudRunError | None:
    """The error that a refusing fault answers with; None for a fault that accepts the call."""
    code = grpc.StatusCode
    match fault.kind:
        case FaultKind.REFUSE_UPDATE:
            text = f"Service '{service.name}' cannot be updated in its present state."
            return CloudRunError(code.FAILED_PRECONDITION, text)
        case FaultKind.ETAG_CONFLICT | FaultKind.ABORTED:
            text = f"Conflict for resource '{service.name}': it was changed by another request."
            return CloudRunError(code.ABORTED, text)
        case FaultKind.PERMISSION_DENIED:
            text = f"Permission '{fault.method.permission}' denied on resource"
            whole = f"{text} '{service.full_name}' (or resource may not exist)."
            return CloudRunError(code.PERMISSION_DENIED, whole)
        case FaultKind.ACT_AS_DENIED:
            text = "Permission 'iam.serviceaccounts.actAs' denied on service account"
            whole = f"{text} {service_account_in(service.template)} (or it may not exist)."
            return CloudRunError(code.PERMISSION_DENIED, whole)
    answer = _CODES.get(fault.kind)
    return CloudRunError(answer, f"Ordered: {answer.value[1]}.") if answer else None


def timed_out() -> CloudRunError:
    """The answer that says nothing about whether the change was made."""
    return CloudRunError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded.")


def operation_problem(fault: Fault | None) -> Problem | None:
    """What an operation accepted under this fault is going to end in; None for success."""
    if fault is None or fault.kind is not FaultKind.OPERATION_ERROR:
        return None
    internal = 13  # google.rpc.Code.INTERNAL
    return Problem(internal, "An internal error occurred while routing traffic.")
