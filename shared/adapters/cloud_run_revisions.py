"""Revisions of `google.cloud.run.v2` in the domain's words.

Fields: https://cloud.google.com/run/docs/reference/rpc/google.cloud.run.v2#revision. Of the
conditions only `Ready` decides; those it is made of (`ContainerHealthy`, `ResourcesAvailable`, ...)
may say more about why: https://cloud.google.com/run/docs/reference/rpc/google.cloud.run.v2#condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Final

from shared.domain.rollback import Revision, SecretReference

if TYPE_CHECKING:
    from google.cloud import run_v2

_NEWEST: Final = "latest"
_UNTOLD: Final = "Cloud Run does not say whether it is ready"
_UNFINISHED: Final = "Cloud Run is still getting it ready"


def revision_state(revision: run_v2.Revision) -> Revision:
    """The revision as Cloud Run shows it; its image is that of the container with the port."""
    from google.cloud import run_v2

    containers = list(revision.containers)
    front = next((each for each in containers if each.ports), next(iter(containers), None))
    image = front.image if front else ""
    why_not = _why_not_ready(revision)
    return Revision(
        name=revision.name.rpartition("/")[2],
        created_at=run_v2.Revision.pb(revision).create_time.ToDatetime(tzinfo=UTC),
        ready=not why_not,
        image=image,
        digest=image.partition("@")[2],
        labels=dict(revision.labels),
        secrets=tuple(dict.fromkeys(_secrets(revision))),
        service_account=revision.service_account,
        why_not_ready=why_not,
    )


def is_deleted(revision: run_v2.Revision) -> bool:
    """Whether the revision is being deleted."""
    from google.cloud import run_v2

    return bool(run_v2.Revision.pb(revision).HasField("delete_time"))


def _secrets(revision: run_v2.Revision) -> Iterator[SecretReference]:
    """What the revision reads, in variables and then in files, as often as it is named."""
    for container in revision.containers:
        for variable in container.env:
            if (key := variable.value_source.secret_key_ref).secret:
                yield SecretReference(name=key.secret, version=key.version or _NEWEST)
    for volume in revision.volumes:
        if volume.secret.secret:
            for version in [item.version for item in volume.secret.items] or [""]:
                yield SecretReference(name=volume.secret.secret, version=version or _NEWEST)


def _why_not_ready(revision: run_v2.Revision) -> str:
    """The reason and the first line of the message, such as `CONTAINER_MISSING: Image ...`."""
    from google.cloud import run_v2

    state = run_v2.Condition.State
    ready = next((each for each in revision.conditions if each.type_ == "Ready"), None)
    if ready is None:
        return _UNTOLD
    if ready.state is state.CONDITION_SUCCEEDED:
        return ""
    if ready.state is not state.CONDITION_FAILED:
        return _UNFINISHED
    failed = [each for each in revision.conditions if _counts(each)]
    told = [ready, *failed]
    reason = next(filter(None, map(_reason, told)), "")
    message = next(filter(None, (each.message for each in told)), "")
    return ": ".join(filter(None, (reason, message.partition("\n")[0]))) or "Ready is false"


def _counts(condition: run_v2.Condition) -> bool:
    """Whether it failed in earnest: that a revision without traffic is retired is no fault."""
    from google.cloud import run_v2

    severity = run_v2.Condition.Severity
    earnest = condition.severity in (severity.SEVERITY_UNSPECIFIED, severity.ERROR)
    return earnest and condition.state is run_v2.Condition.State.CONDITION_FAILED


def _reason(condition: run_v2.Condition) -> str:
    """The name of its reason; a reason newer than this client is a number."""
    from google.cloud import run_v2

    which = run_v2.Condition.pb(condition).WhichOneof("reasons")
    reason = getattr(condition, which) if which else 0
    return str(getattr(reason, "name", reason)) if reason else ""
