"""Long-running operations at their beginning; `completion.finished` ends them."""

from __future__ import annotations

import uuid
from dataclasses import replace

from infra.local.cloud_run.catalog import ServiceView
from infra.local.cloud_run.model import Operation, Problem
from infra.local.cloud_run.protos import service_message
from infra.local.cloud_run.transitions import Change


def rendered(view: ServiceView, base_url: str) -> bytes:
    """The service as a serialised message, as operations carry it."""
    message = service_message(view.service, view.latest_created, base_url)
    raw: bytes = type(message).serialize(message)
    return raw


def opened(
    change: Change, metadata: bytes, now: float, seconds: float, planned: Problem | None
) -> Operation:
    """The operation that brings a change about in ``seconds`` from now."""
    service = change.service
    return Operation(
        name=_new_name(change),
        service=service.name,
        generation=service.generation,
        traffic=service.traffic,
        revision=change.revision.name if change.revision else "",
        created_at=now,
        due_at=now + seconds,
        metadata=metadata,
        planned=planned,
    )


def already_done(view: ServiceView, change: Change, base_url: str, now: float) -> Operation:
    """The finished operation of a dry run, or of a call that changes nothing.

    Its response is the service as it is, but with what the call asks for.
    """
    asked = change.service
    prospect = replace(
        view.service, traffic=asked.traffic, labels=asked.labels, template=asked.template
    )
    response = rendered(replace(view, service=prospect), base_url)
    operation = opened(Change(prospect), response, now, seconds=0, planned=None)
    return replace(operation, done=True, response=response)


def _new_name(change: Change) -> str:
    service = change.service
    return f"projects/{service.project}/locations/{service.region}/operations/{uuid.uuid4()}"
