"""Faults that can be ordered for the next UpdateService calls of a service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import grpc

from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.model import Problem, Service


class FaultKind(StrEnum):
    """What goes wrong.

    The first four answer the call with an error and change nothing: FAILED_PRECONDITION,
    ABORTED, UNAVAILABLE, PERMISSION_DENIED. ``operation_error``: the call is accepted and its
    operation ends in an error. ``slow_operation``: the operation takes ``seconds``.
    ``timeout_after_success``: the change is made, the answer is DEADLINE_EXCEEDED.
    ``late_landing``: the answer is DEADLINE_EXCEEDED, the change is made ``seconds`` later.
    """

    REFUSE_UPDATE = "refuse_update"
    ETAG_CONFLICT = "etag_conflict"
    UNAVAILABLE = "unavailable"
    PERMISSION_DENIED = "permission_denied"
    OPERATION_ERROR = "operation_error"
    SLOW_OPERATION = "slow_operation"
    TIMEOUT_AFTER_SUCCESS = "timeout_after_success"
    LATE_LANDING = "late_landing"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for one service: for the next ``times`` calls, or for ever when that is -1."""

    service: str
    kind: FaultKind
    times: int
    seconds: float

    def strikes(self, *, validate_only: bool) -> bool:
        """Whether the call meets this fault: a dry run meets only what guards the API itself."""
        guards = (FaultKind.PERMISSION_DENIED, FaultKind.UNAVAILABLE)
        return not validate_only or self.kind in guards


def refusal(kind: FaultKind, service: Service) -> CloudRunError | None:
    """The error that a refusing fault answers with; None for a fault that accepts the call."""
    code = grpc.StatusCode
    match kind:
        case FaultKind.REFUSE_UPDATE:
            text = f"Service '{service.name}' cannot be updated in its present state."
            return CloudRunError(code.FAILED_PRECONDITION, text)
        case FaultKind.ETAG_CONFLICT:
            text = f"Conflict for resource '{service.name}': it was changed by another request."
            return CloudRunError(code.ABORTED, text)
        case FaultKind.UNAVAILABLE:
            return CloudRunError(code.UNAVAILABLE, "The service is currently unavailable.")
        case FaultKind.PERMISSION_DENIED:
            text = f"Permission 'run.services.update' denied on resource '{service.full_name}'."
            return CloudRunError(code.PERMISSION_DENIED, text)
    return None


def timed_out() -> CloudRunError:
    """The answer that says nothing about whether the change was made."""
    return CloudRunError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded.")


def operation_problem(fault: Fault | None) -> Problem | None:
    """What an operation accepted under this fault is going to end in; None for success."""
    if fault is None or fault.kind is not FaultKind.OPERATION_ERROR:
        return None
    internal = 13  # google.rpc.Code.INTERNAL
    return Problem(internal, "An internal error occurred while routing traffic.")
