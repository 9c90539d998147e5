"""Services as ``GET /sim/run/services`` shows them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from infra.local.cloud_run.catalog import ServiceView
from infra.local.cloud_run.conditions import State, service_state
from infra.local.cloud_run.model import Readiness, Revision, Target
from infra.local.cloud_run.names import etag_of
from infra.local.cloud_run.protos import front_url
from infra.local.cloud_run.templates import image_in, labels_in


def service_json(view: ServiceView, base_url: str) -> dict[str, Any]:
    """A service with its traffic as asked and as observed, and its revisions, newest first.

    Unlike the API, an observed LATEST entry names the revision it goes to.
    """
    service = view.service
    return {
        "service": service.name,
        "project": service.project,
        "region": service.region,
        "uri": front_url(base_url, service.name),
        "generation": service.generation,
        "observed_generation": service.observed_generation,
        "etag": etag_of(service),
        "reconciling": service.reconciling,
        "ready": service_state(service, view.latest_created) == State.CONDITION_SUCCEEDED,
        "last_modifier": service.last_modifier,
        "latest_ready_revision": service.latest_ready,
        "latest_created_revision": service.latest_created,
        "traffic": [asdict(target) for target in service.traffic],
        "traffic_statuses": [
            _observed_json(target, service.name, base_url) for target in service.observed
        ],
        "revisions": [_revision_json(revision) for revision in view.revisions],
    }


def _observed_json(target: Target, service: str, base_url: str) -> dict[str, Any]:
    uri = front_url(base_url, service, target.tag) if target.tag else ""
    return {**asdict(target), "uri": uri}


def _revision_json(revision: Revision) -> dict[str, Any]:
    return {
        "name": revision.name,
        "behaviour": revision.behaviour,
        "ready": revision.readiness is Readiness.READY,
        "created_at": revision.created_at,
        "image": image_in(revision.template),
        "labels": labels_in(revision.template),
    }
