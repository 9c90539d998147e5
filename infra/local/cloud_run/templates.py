"""Revision templates: kept as serialised messages, so that nothing a client sent is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.cloud import run_v2

from infra.local.cloud_run.errors import invalid


@dataclass(frozen=True, slots=True)
class TemplateEdit:
    """What a deploy changes; the labels and the secrets stay when they are None.

    ``secrets`` is as for ``gcloud run deploy --set-secrets``: ``NAME:VERSION`` by the name of a
    variable, or by the absolute path of a file.
    """

    image: str
    labels: Mapping[str, str] | None = None
    secrets: Mapping[str, str] | None = None


def new_template(image: str, labels: Mapping[str, str], service_account: str) -> bytes:
    """A template with one container of this image."""
    template = run_v2.RevisionTemplate(
        containers=[run_v2.Container(image=image)],
        labels=dict(labels),
        service_account=service_account,
    )
    return packed(template)


def packed(template: run_v2.RevisionTemplate) -> bytes:
    """The template's bytes, the same for equal templates."""
    raw: bytes = run_v2.RevisionTemplate.pb(template).SerializeToString(deterministic=True)
    return raw


def unpacked(template: bytes) -> run_v2.RevisionTemplate:
    """The message that `packed` wrote."""
    message: run_v2.RevisionTemplate = run_v2.RevisionTemplate.deserialize(template)
    return message


def deployed(template: bytes, edit: TemplateEdit) -> bytes:
    """The template as ``gcloud run deploy --image`` leaves it; other settings stay."""
    message = unpacked(template)
    message.revision = ""
    message.containers[0].image = edit.image
    if edit.labels is not None:
        message.labels = dict(edit.labels)
    if edit.secrets is not None:
        _set_secrets(message, edit.secrets)
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


def service_account_in(template: bytes) -> str:
    """The account a revision of this template runs as."""
    return str(unpacked(template).service_account)


def secrets_in(template: bytes) -> list[str]:
    """The names of the secrets a revision of this template reads."""
    message = unpacked(template)
    variables = [each for container in message.containers for each in container.env]
    names = [_secret_of(each) for each in variables]
    names += [volume.secret.secret for volume in message.volumes]
    return [name for name in names if name]


def checked_template(template: bytes) -> bytes:
    """The template, which must have a container with an image.

    Raises:
        CloudRunError: INVALID_ARGUMENT when it has none.
    """
    containers = unpacked(template).containers
    if not containers or not containers[0].image:
        raise invalid("template.containers[0].image: must be given.")
    return template


def _set_secrets(template: run_v2.RevisionTemplate, secrets: Mapping[str, str]) -> None:
    """Replace what the template reads from Secret Manager; other variables and volumes stay."""
    container = template.containers[0]
    gone = {volume.name for volume in template.volumes if volume.secret.secret}
    template.volumes = [each for each in template.volumes if each.name not in gone]
    container.volume_mounts = [each for each in container.volume_mounts if each.name not in gone]
    container.env = [each for each in container.env if not _secret_of(each)]
    for place, reference in secrets.items():
        name, _, version = reference.partition(":")
        if place.startswith("/"):
            template.volumes.append(_volume(place, name, version))
            mount = run_v2.VolumeMount(name=_volume_of(name), mount_path=place.rpartition("/")[0])
            container.volume_mounts.append(mount)
        else:
            key = run_v2.SecretKeySelector(secret=name, version=version)
            source = run_v2.EnvVarSource(secret_key_ref=key)
            container.env.append(run_v2.EnvVar(name=place, value_source=source))


def _volume(path: str, secret: str, version: str) -> run_v2.Volume:
    item = run_v2.VersionToPath(path=path.rpartition("/")[2], version=version)
    source = run_v2.SecretVolumeSource(secret=secret, items=[item])
    return run_v2.Volume(name=_volume_of(secret), secret=source)


def _secret_of(variable: run_v2.EnvVar) -> str:
    return str(variable.value_source.secret_key_ref.secret)


def _volume_of(secret: str) -> str:
    return f"{secret}-volume"
