"""Revision templates: kept as serialised messages, so that nothing a client sent is lost."""

from __future__ import annotations

from collections.abc import Mapping

from google.cloud import run_v2

from infra.local.cloud_run.errors import invalid


def new_template(image: str, labels: Mapping[str, str]) -> bytes:
    """A template with one container of this image."""
    containers = [run_v2.Container(image=image)]
    return packed(run_v2.RevisionTemplate(containers=containers, labels=dict(labels)))


def packed(template: run_v2.RevisionTemplate) -> bytes:
    """The template's bytes, the same for equal templates."""
    raw: bytes = run_v2.RevisionTemplate.pb(template).SerializeToString(deterministic=True)
    return raw


def unpacked(template: bytes) -> run_v2.RevisionTemplate:
    """The message that `packed` wrote."""
    message: run_v2.RevisionTemplate = run_v2.RevisionTemplate.deserialize(template)
    return message


def deployed(template: bytes, image: str, labels: Mapping[str, str] | None) -> bytes:
    """The template as ``gcloud run deploy --image`` leaves it; other settings stay.

    ``labels`` replaces the labels, unless it is None.
    """
    message = unpacked(template)
    message.revision = ""
    message.containers[0].image = image
    if labels is not None:
        message.labels = dict(labels)
    return packed(message)


def revision_asked(template: bytes) -> str:
    """The revision name the template asks for; empty when Cloud Run is to choose one."""
    return str(unpacked(template).revision)


def image_in(template: bytes) -> str:
    """The first container's image."""
    return str(unpacked(template).containers[0].image)


def labels_in(template: bytes) -> dict[str, str]:
    """The labels a revision of this template has."""
    return dict(unpacked(template).labels)


def checked_template(template: bytes) -> bytes:
    """The template, which must have a container with an image.

    Raises:
        CloudRunError: INVALID_ARGUMENT when it has none.
    """
    containers = unpacked(template).containers
    if not containers or not containers[0].image:
        raise invalid("template.containers[0].image: must be given.")
    return template
