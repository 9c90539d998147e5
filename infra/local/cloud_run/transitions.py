"""What a change does to a service when it is accepted; `completion` brings it about."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

import grpc

from infra.local.cloud_run.errors import CloudRunError, invalid
from infra.local.cloud_run.model import (
    Allocation,
    Behaviour,
    Flaw,
    Readiness,
    Revision,
    Service,
    SimulatedService,
    Target,
    UpdateCall,
)
from infra.local.cloud_run.names import image_of, revision_name
from infra.local.cloud_run.templates import (
    TemplateEdit,
    checked_template,
    deployed,
    new_template,
    revision_asked,
)
from infra.local.cloud_run.validation import check_etag, checked_mask, checked_traffic

Revisions = Mapping[str, Revision]
_EVERYTHING_TO_LATEST = (Target(Allocation.LATEST, percent=100),)


@dataclass(frozen=True, slots=True)
class Deploy:
    """A deploy as a person or a pipeline asks for it; an empty image means one of its own."""

    service: str
    behaviour: Behaviour
    flaw: Flaw
    revision_suffix: str
    edit: TemplateEdit
    deployer: str


@dataclass(frozen=True, slots=True)
class Change:
    """A service after a change was asked of it, with the revision that the change created."""

    service: Service
    revision: Revision | None = None


def founded(wanted: SimulatedService, now: float) -> Change:
    """A service that has stood there since before the world began, with one good revision."""
    number = wanted.first_revision_number
    name = revision_name(wanted.name, number, wanted.first_revision_suffix)
    image = wanted.image or image_of(wanted.project, wanted.region, name)
    account = f"{wanted.name}@{wanted.project}.iam.gserviceaccount.com"
    creator = f"deployer@{wanted.project}.iam.gserviceaccount.com"
    service = Service(
        project=wanted.project,
        region=wanted.region,
        name=wanted.name,
        kind=wanted.kind,
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, wanted.name)),
        generation=number,
        observed_generation=number,
        labels=wanted.labels,
        template=new_template(image, wanted.labels, wanted.service_account or account),
        traffic=_EVERYTHING_TO_LATEST,
        observed=resolved(_EVERYTHING_TO_LATEST, name),
        latest_ready=name,
        latest_created=name,
        last_number=number,
        creator=creator,
        last_modifier=creator,
        created_at=now,
        updated_at=now,
        transitioned_at=now,
    )
    revision = _revision(service, name, Behaviour.GOOD, now)
    return Change(service, replace(revision, readiness=Readiness.READY))


def updated(service: Service, revisions: Revisions, call: UpdateCall, now: float) -> Change:
    """The service as an UpdateService call leaves it; the same one when nothing changes.

    Raises:
        CloudRunError: INVALID_ARGUMENT, ABORTED (etag) or ALREADY_EXISTS (revision name).
    """
    paths = checked_mask(call.update_mask)
    check_etag(service, call)
    template = checked_template(call.template) if "template" in paths else service.template
    asked = revision_asked(template)
    wanted = replace(
        service,
        template=template,
        labels=call.labels if "labels" in paths else service.labels,
        traffic=checked_traffic(service.name, call.traffic, {*revisions, asked} - {""})
        if "traffic" in paths
        else service.traffic,
    )
    if wanted == service:
        return Change(service)
    changed = _modified(wanted, call.modifier, now)
    if template == service.template:
        return Change(changed)
    _check_revision_name(service, asked, revisions)
    name = asked or revision_name(service.name, service.last_number + 1)
    return _with_revision(changed, name, Behaviour.GOOD, now)


def deployed_to(service: Service, revisions: Revisions, deploy: Deploy, now: float) -> Change:
    """The service with a new revision; its traffic, pinned or not, is asked as before.

    Raises:
        CloudRunError: ALREADY_EXISTS when a revision has that name.
    """
    name = revision_name(service.name, service.last_number + 1, deploy.revision_suffix)
    _check_revision_name(service, name, revisions)
    image = deploy.edit.image or image_of(service.project, service.region, name)
    template = deployed(service.template, replace(deploy.edit, image=image))
    changed = _modified(replace(service, template=template), deploy.deployer, now)
    return _with_revision(changed, name, deploy.behaviour, now, deploy.flaw)


def resolved(traffic: tuple[Target, ...], latest: str) -> tuple[Target, ...]:
    """The traffic with each LATEST entry going to the revision ``latest``."""
    return tuple(
        replace(target, revision=latest) if target.type is Allocation.LATEST else target
        for target in traffic
    )


def _modified(service: Service, modifier: str, now: float) -> Service:
    moment = max(now, service.updated_at + 0.000_001)
    return replace(
        service,
        generation=service.generation + 1,
        last_modifier=modifier,
        updated_at=moment,
        transitioned_at=moment,
        failure=None,
    )


def _with_revision(
    service: Service,
    name: str,
    behaviour: Behaviour,
    now: float,
    flaw: Flaw = Flaw.HEALTH_CHECK,
) -> Change:
    counted = replace(service, last_number=service.last_number + 1, latest_created=name)
    return Change(counted, replace(_revision(counted, name, behaviour, now), flaw=flaw))


def _revision(service: Service, name: str, behaviour: Behaviour, now: float) -> Revision:
    return Revision(
        name=name,
        service=service.name,
        number=service.last_number,
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        behaviour=behaviour,
        readiness=Readiness.PENDING,
        template=service.template,
        creator=service.last_modifier,
        created_at=now,
        transitioned_at=now,
    )


def _check_revision_name(service: Service, name: str, revisions: Revisions) -> None:
    if name in revisions:
        text = f"Revision named '{name}' with different configuration already exists."
        raise CloudRunError(grpc.StatusCode.ALREADY_EXISTS, text)
    if name and not name.startswith(f"{service.name}-"):
        raise invalid(f"template.revision: '{name}' must begin with '{service.name}-'.")
