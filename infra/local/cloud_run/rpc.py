"""The methods of Services and Revisions of ``google.cloud.run.v2``, and of their operations.

What they mean: https://cloud.google.com/run/docs/reference/rpc.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

import grpc
from google.cloud import run_v2
from google.longrunning import operations_pb2

from infra.local.cloud_run.control_plane import ControlPlane
from infra.local.cloud_run.errors import CloudRunError, invalid, not_found
from infra.local.cloud_run.faults import ApiMethod
from infra.local.cloud_run.names import parse_location, parse_revision, parse_service
from infra.local.cloud_run.protos import (
    operation_message,
    revision_message,
    service_message,
    update_call,
)
from infra.local.cloud_run.scheduler import Scheduler

USER_METADATA_KEY = "x-sim-user"
_ANSWER_MARGIN_SECONDS = 0.1  # so that a wait is answered before the caller's deadline
_DEFAULT_PAGE = 100

Item = TypeVar("Item")


class CloudRunApi:
    """The methods of the API over the simulated control plane."""

    def __init__(self, plane: ControlPlane, scheduler: Scheduler, base_url: str) -> None:
        self._plane = plane
        self._catalog = plane.catalog
        self._scheduler = scheduler
        self._base_url = base_url

    def get_service(
        self, request: run_v2.GetServiceRequest, context: grpc.ServicerContext
    ) -> run_v2.Service:
        """Services.GetService."""
        view = self._catalog.view_in(*parse_service(request.name))
        self._plane.meet(ApiMethod.GET_SERVICE, view.service)
        return service_message(view.service, view.latest_created, self._base_url)

    def list_services(
        self, request: run_v2.ListServicesRequest, context: grpc.ServicerContext
    ) -> run_v2.ListServicesResponse:
        """Services.ListServices."""
        views = self._catalog.views_in(*parse_location(request.parent))
        page, token = _page(views, request.page_size, request.page_token)
        messages = [service_message(v.service, v.latest_created, self._base_url) for v in page]
        return run_v2.ListServicesResponse(services=messages, next_page_token=token)

    def update_service(
        self, request: run_v2.UpdateServiceRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Services.UpdateService; the caller's identity is its ``x-sim-user`` metadata."""
        project = parse_service(request.service.name)[0]
        caller = _metadata(context).get(USER_METADATA_KEY)
        modifier = caller or f"switchman@{project}.iam.gserviceaccount.com"
        return operation_message(self._plane.update(update_call(request, modifier)))

    def get_revision(
        self, request: run_v2.GetRevisionRequest, context: grpc.ServicerContext
    ) -> run_v2.Revision:
        """Revisions.GetRevision."""
        project, region, service, name = parse_revision(request.name)
        view = self._catalog.view_in(project, region, service)
        if name not in view.by_name:
            raise not_found(f"Revision '{name}' of service '{service}' does not exist.")
        return revision_message(view.by_name[name], view.service)

    def list_revisions(
        self, request: run_v2.ListRevisionsRequest, context: grpc.ServicerContext
    ) -> run_v2.ListRevisionsResponse:
        """Revisions.ListRevisions, newest first; ``-`` stands for every service."""
        project, region, service = parse_service(request.parent)
        if service == "-":
            views = self._catalog.views_in(project, region)
        else:
            views = [self._catalog.view_in(project, region, service)]
        for view in views:
            self._plane.meet(ApiMethod.LIST_REVISIONS, view.service)
        found = [(revision, view.service) for view in views for revision in view.revisions]
        found.sort(key=lambda pair: pair[0].created_at, reverse=True)
        page, token = _page(found, request.page_size, request.page_token)
        messages = [revision_message(*pair) for pair in page]
        return run_v2.ListRevisionsResponse(revisions=messages, next_page_token=token)

    def get_operation(
        self, request: operations_pb2.GetOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Operations.GetOperation."""
        return operation_message(self._catalog.operation(request.name))

    def wait_operation(
        self, request: operations_pb2.WaitOperationRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Operations.WaitOperation: done, or as it is after the request's timeout."""
        service = self._catalog.operation(request.name).service
        self._plane.meet(ApiMethod.WAIT_OPERATION, self._catalog.view(service).service)
        limits: list[float] = []
        if request.HasField("timeout"):
            limits.append(request.timeout.ToTimedelta().total_seconds())
        remaining = context.time_remaining()
        if remaining is not None:
            limits.append(max(0.0, remaining - _ANSWER_MARGIN_SECONDS))
        return operation_message(self._scheduler.wait(request.name, min(limits, default=None)))

    def list_operations(
        self, request: operations_pb2.ListOperationsRequest, context: grpc.ServicerContext
    ) -> operations_pb2.ListOperationsResponse:
        """Operations.ListOperations, newest first; filters are not supported."""
        parse_location(request.name)
        found = self._catalog.operations_in(request.name)
        page, token = _page(found, request.page_size, request.page_token)
        messages = [operation_message(operation) for operation in page]
        return operations_pb2.ListOperationsResponse(operations=messages, next_page_token=token)

    def unsupported(self, request: object, context: grpc.ServicerContext) -> None:
        """What the API has and the simulation has not."""
        text = "The simulated Cloud Run neither creates nor deletes resources through its API."
        raise CloudRunError(grpc.StatusCode.UNIMPLEMENTED, text)


def _metadata(context: grpc.ServicerContext) -> dict[str, str]:
    return {key: str(value) for key, value in context.invocation_metadata() or ()}


def _page(items: Sequence[Item], size: int, token: str) -> tuple[Sequence[Item], str]:
    """The page that begins where the token says, and the token of the next one."""
    if size < 0:
        raise invalid(f"page_size: {size} is negative.")
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError):
        raise invalid("page_token: was not given out by this API.") from None
    end = start + (size or _DEFAULT_PAGE)
    following = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
    return items[start:end], following
