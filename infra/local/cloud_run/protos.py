"""The simulation's state as messages of ``google.cloud.run.v2``."""

from __future__ import annotations

from google.api import launch_stage_pb2
from google.cloud import run_v2
from google.longrunning import operations_pb2
from google.protobuf import any_pb2

from infra.local.cloud_run.conditions import (
    revision_conditions,
    service_conditions,
    terminal_condition,
)
from infra.local.cloud_run.model import (
    Allocation,
    Operation,
    Readiness,
    Revision,
    Service,
    Target,
    UpdateCall,
)
from infra.local.cloud_run.names import etag_of, parse_service, timestamp
from infra.local.cloud_run.templates import packed, unpacked

_TYPES = run_v2.TrafficTargetAllocationType
_TYPE_OF_ALLOCATION = {
    Allocation.UNSPECIFIED: _TYPES.TRAFFIC_TARGET_ALLOCATION_TYPE_UNSPECIFIED,
    Allocation.LATEST: _TYPES.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST,
    Allocation.REVISION: _TYPES.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION,
}
_ALLOCATION_OF_TYPE = {int(value): kind for kind, value in _TYPE_OF_ALLOCATION.items()}
_SERVICE_TYPE = "type.googleapis.com/google.cloud.run.v2.Service"


def front_url(base_url: str, service: str, tag: str = "") -> str:
    """Where a service answers, or the revision that has the tag."""
    host = f"{tag}---{service}" if tag else service
    return f"{base_url}/sim/front/{host}"


def service_message(service: Service, latest: Revision, base_url: str) -> run_v2.Service:
    """The service as GetService returns it; ``latest`` is its latest created revision."""
    url = front_url(base_url, service.name)
    return run_v2.Service(
        name=service.full_name,
        uid=service.uid,
        generation=service.generation,
        observed_generation=service.observed_generation,
        labels=service.labels,
        create_time=timestamp(service.created_at),
        update_time=timestamp(service.updated_at),
        creator=service.creator,
        last_modifier=service.last_modifier,
        ingress=run_v2.IngressTraffic.INGRESS_TRAFFIC_ALL,
        launch_stage=launch_stage_pb2.GA,
        template=unpacked(service.template),
        traffic=[_target(target) for target in service.traffic],
        traffic_statuses=[_status(target, service, base_url) for target in service.observed],
        terminal_condition=terminal_condition(service, latest),
        conditions=service_conditions(service, latest),
        latest_ready_revision=_revision_path(service, service.latest_ready),
        latest_created_revision=_revision_path(service, service.latest_created),
        uri=url,
        urls=[url],
        reconciling=service.reconciling,
        etag=etag_of(service),
    )


def revision_message(revision: Revision, service: Service) -> run_v2.Revision:
    """The revision as GetRevision returns it."""
    template = unpacked(revision.template)
    return run_v2.Revision(
        name=_revision_path(service, revision.name),
        uid=revision.uid,
        generation=1,
        observed_generation=1,
        labels=template.labels,
        annotations=template.annotations,
        create_time=timestamp(revision.created_at),
        update_time=timestamp(revision.transitioned_at),
        launch_stage=launch_stage_pb2.GA,
        service=service.name,
        service_account=template.service_account,
        scaling=template.scaling,
        timeout=template.timeout,
        max_instance_request_concurrency=template.max_instance_request_concurrency,
        containers=template.containers,
        volumes=template.volumes,
        reconciling=revision.readiness is Readiness.PENDING,
        conditions=revision_conditions(revision),
        creator=revision.creator,
        etag=f'"{revision.uid}"',
    )


def operation_message(operation: Operation) -> operations_pb2.Operation:
    """The operation as GetOperation returns it: its metadata and its response are Services."""
    message = operations_pb2.Operation(
        name=operation.name,
        metadata=any_pb2.Any(type_url=_SERVICE_TYPE, value=operation.metadata),
        done=operation.done,
    )
    if operation.error is not None:
        message.error.code = operation.error.code
        message.error.message = operation.error.message
    elif operation.done:
        message.response.CopyFrom(any_pb2.Any(type_url=_SERVICE_TYPE, value=operation.response))
    return message


def update_call(request: run_v2.UpdateServiceRequest, modifier: str) -> UpdateCall:
    """An UpdateService request in the simulation's own terms.

    Raises:
        CloudRunError: INVALID_ARGUMENT when the service's name has not the right form.
    """
    project, region, service = parse_service(request.service.name)
    traffic = tuple(_target_asked(target) for target in request.service.traffic)
    return UpdateCall(
        project=project,
        region=region,
        service=service,
        etag=request.service.etag,
        update_mask=tuple(request.update_mask.paths),
        traffic=traffic,
        labels=dict(request.service.labels),
        template=packed(request.service.template),
        validate_only=request.validate_only,
        modifier=modifier,
    )


def _target(target: Target) -> run_v2.TrafficTarget:
    return run_v2.TrafficTarget(
        type_=_TYPE_OF_ALLOCATION[target.type],
        revision=target.revision,
        percent=target.percent,
        tag=target.tag,
    )


def _target_asked(target: run_v2.TrafficTarget) -> Target:
    kind = _ALLOCATION_OF_TYPE.get(int(target.type_), Allocation.UNSPECIFIED)
    return Target(kind, target.revision, target.percent, target.tag)


def _status(target: Target, service: Service, base_url: str) -> run_v2.TrafficTargetStatus:
    """As observed; the real API names no revision for LATEST, that is latest_ready_revision."""
    latest = target.type is Allocation.LATEST
    return run_v2.TrafficTargetStatus(
        type_=_TYPE_OF_ALLOCATION[target.type],
        revision="" if latest else target.revision,
        percent=target.percent,
        tag=target.tag,
        uri=front_url(base_url, service.name, target.tag) if target.tag else "",
    )


def _revision_path(service: Service, revision: str) -> str:
    return f"{service.full_name}/revisions/{revision}"
