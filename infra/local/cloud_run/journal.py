"""What is noted of each mutating call."""

from __future__ import annotations

from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.model import LogEntry, Operation, Service, UpdateCall

Outcome = Operation | CloudRunError


def entry_of_update(
    method: str,
    call: UpdateCall,
    outcome: Outcome,
    before: Service | None,
    after: Service | None,
    at: float,
) -> LogEntry:
    """An UpdateService call, or its late landing; no service means it does not exist."""
    return LogEntry(
        at=at,
        service=call.service,
        method=method,
        validate_only=call.validate_only,
        outcome=outcome.code.name if isinstance(outcome, CloudRunError) else "OK",
        update_mask=call.update_mask,
        traffic_before=before.traffic if before else (),
        traffic_after=after.traffic if after else (),
        modifier=call.modifier,
    )


def entry_of_deploy(service: Service, at: float) -> LogEntry:
    """A deploy, which asks for the same traffic as before."""
    return LogEntry(
        at=at,
        service=service.name,
        method="Deploy",
        validate_only=False,
        outcome="OK",
        update_mask=("template",),
        traffic_before=service.traffic,
        traffic_after=service.traffic,
        modifier=service.last_modifier,
    )
