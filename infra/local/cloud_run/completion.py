"""What the end of an operation does to its service: a pure function."""

from __future__ import annotations

from dataclasses import replace

from infra.local.cloud_run.model import (
    Behaviour,
    Operation,
    Problem,
    Readiness,
    Revision,
    Service,
    Target,
)
from infra.local.cloud_run.transitions import Change, Revisions, resolved

_FAILED_PRECONDITION = 9  # google.rpc.Code


def finished(
    service: Service, operation: Operation, revisions: Revisions, now: float
) -> tuple[Change, Operation]:
    """Service, revision and operation once the operation's time has come.

    An operation overtaken by a later generation no longer touches the traffic.
    """
    created = _settled(revisions.get(operation.revision), operation, now)
    known = {**revisions, created.name: created} if created else revisions
    problem = operation.planned or _not_ready(operation, known, created)
    latest = _latest_ready(service, known, created)
    applied, generation = _asked(service.observed), service.observed_generation
    if problem is None and operation.generation > generation:
        applied, generation = operation.traffic, operation.generation
    failure = service.failure
    if problem is not None and operation.generation == service.generation:
        failure = problem.message
    settled = replace(
        service,
        latest_ready=latest,
        observed=resolved(applied, latest),
        observed_generation=generation,
        failure=failure,
        transitioned_at=now,
    )
    return Change(settled, created), replace(operation, done=True, error=problem)


def _settled(created: Revision | None, operation: Operation, now: float) -> Revision | None:
    if created is None:
        return None
    failed = operation.planned is not None or created.behaviour is Behaviour.UNREADY
    readiness = Readiness.FAILED if failed else Readiness.READY
    return replace(created, readiness=readiness, transitioned_at=now)


def _not_ready(
    operation: Operation, revisions: Revisions, created: Revision | None
) -> Problem | None:
    names = [target.revision for target in operation.traffic if target.revision]
    if created is not None:
        names.append(created.name)
    for name in names:
        if revisions[name].readiness is not Readiness.READY:
            text = f"Revision '{name}' is not ready and cannot serve traffic."
            return Problem(_FAILED_PRECONDITION, text)
    return None


def _latest_ready(service: Service, revisions: Revisions, created: Revision | None) -> str:
    if created is None or created.readiness is not Readiness.READY:
        return service.latest_ready
    newer = created.number > revisions[service.latest_ready].number
    return created.name if newer else service.latest_ready


def _asked(observed: tuple[Target, ...]) -> tuple[Target, ...]:
    return resolved(observed, "")
