"""The conditions of services and revisions as messages of ``google.cloud.run.v2``."""

from __future__ import annotations

from google.cloud import run_v2

from infra.local.cloud_run.model import Flaw, Readiness, Revision, Service
from infra.local.cloud_run.names import timestamp
from infra.local.cloud_run.templates import image_in, secrets_in, service_account_in

State = run_v2.Condition.State
_STATE_OF_READINESS = {
    Readiness.PENDING: State.CONDITION_RECONCILING,
    Readiness.READY: State.CONDITION_SUCCEEDED,
    Readiness.FAILED: State.CONDITION_FAILED,
}


def service_state(service: Service, latest: Revision) -> int:
    """The state of the service's Ready condition, given its latest created revision."""
    if service.reconciling:
        return State.CONDITION_RECONCILING
    failed = service.failure is not None or latest.readiness is Readiness.FAILED
    return State.CONDITION_FAILED if failed else State.CONDITION_SUCCEEDED


def terminal_condition(service: Service, latest: Revision) -> run_v2.Condition:
    """The service's Ready condition, with what went wrong."""
    ready = _condition("Ready", service_state(service, latest), service.transitioned_at)
    ready.message = service.failure or ""
    return ready


def service_conditions(service: Service, latest: Revision) -> list[run_v2.Condition]:
    """The conditions that the service's Ready condition is made of."""
    routes = State.CONDITION_SUCCEEDED
    if service.reconciling:
        routes = State.CONDITION_RECONCILING
    elif service.failure is not None:
        routes = State.CONDITION_FAILED
    configurations = _STATE_OF_READINESS[latest.readiness]
    return [
        _condition("RoutesReady", routes, service.transitioned_at),
        _condition("ConfigurationsReady", configurations, latest.transitioned_at),
    ]


def revision_conditions(revision: Revision) -> list[run_v2.Condition]:
    """The revision's Ready condition and those it is made of; the first to fail says why."""
    state = _STATE_OF_READINESS[revision.readiness]
    healthy = revision.readiness is not Readiness.FAILED or revision.flaw is Flaw.HEALTH_CHECK
    resources = State.CONDITION_SUCCEEDED if healthy else State.CONDITION_FAILED
    container = state if healthy else State.CONDITION_PENDING
    at = revision.transitioned_at
    conditions = [
        _condition("Ready", state, at),
        _condition("ResourcesAvailable", resources, at),
        _condition("ContainerHealthy", container, at),
    ]
    for condition in conditions:
        if condition.state == State.CONDITION_FAILED:
            _explain(condition, revision)
    return conditions


def _explain(condition: run_v2.Condition, revision: Revision) -> None:
    severity = run_v2.Condition.Severity
    condition.severity = severity(severity.ERROR)
    condition.message = _message(revision)
    if revision.flaw is Flaw.HEALTH_CHECK:
        condition.revision_reason = getattr(run_v2.Condition.RevisionReason, revision.flaw)
    else:
        condition.reason = getattr(run_v2.Condition.CommonReason, revision.flaw)


def _message(revision: Revision) -> str:
    image, account = image_in(revision.template), service_account_in(revision.template)
    match revision.flaw:
        case Flaw.IMAGE_MISSING:
            return f"Image '{image}' not found."
        case Flaw.IMAGE_DENIED:
            return f"Image '{image}' may not be read."
        case Flaw.ACCESS_DENIED:
            secrets = ", ".join(secrets_in(revision.template)) or "(none given)"
            return f"Permission denied on secret: {secrets} for service account {account}."
    return f"Revision '{revision.name}' is not ready and cannot serve traffic."


def _condition(kind: str, state: int, at: float) -> run_v2.Condition:
    return run_v2.Condition(type_=kind, state=state, last_transition_time=timestamp(at))
