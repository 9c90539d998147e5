"""The checks of an UpdateService request, each answering as the API does.

The formats are those of https://cloud.google.com/run/docs/reference/rpc/google.cloud.run.v2 and,
for tags, https://cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration#tags.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

import grpc

from infra.local.cloud_run.errors import CloudRunError, invalid
from infra.local.cloud_run.model import Allocation, Service, Target, UpdateCall
from infra.local.cloud_run.names import etag_of

UPDATABLE = ("traffic", "template", "labels")
_LONGEST_TAG_AND_NAME = 46
_TAG = re.compile(r"[a-z](?:[a-z0-9-]{0,44}[a-z0-9])?")


def checked_mask(paths: Collection[str]) -> frozenset[str]:
    """The fields to replace: those named, or all when none is named.

    Raises:
        CloudRunError: INVALID_ARGUMENT for a path that cannot be updated here.
    """
    unknown = sorted(set(paths) - {*UPDATABLE, "*"})
    if unknown:
        known = ", ".join(UPDATABLE)
        raise invalid(f"update_mask: unknown path {', '.join(unknown)}. Known paths: {known}.")
    return frozenset(UPDATABLE) if not paths or "*" in paths else frozenset(paths)


def checked_traffic(
    service: str, targets: tuple[Target, ...], revisions: Collection[str]
) -> tuple[Target, ...]:
    """The traffic asked for the service; no targets at all mean everything to the latest revision.

    Raises:
        CloudRunError: INVALID_ARGUMENT, naming the target that is wrong.
    """
    if not targets:
        return (Target(Allocation.LATEST, percent=100),)
    for position, target in enumerate(targets):
        _check_target(f"traffic[{position}]", target, revisions)
    _check_tags(service, [target.tag for target in targets if target.tag])
    total = sum(target.percent for target in targets)
    if total != 100:
        raise invalid(f"traffic: percentages must sum to 100, but sum to {total}.")
    return targets


def _check_tags(service: str, tags: Collection[str]) -> None:
    """Tag and name together become one label of the tag's host name."""
    for tag, times in Counter(tags).items():
        if times > 1:
            raise invalid(f"traffic: tag '{tag}' is used more than once.")
        if len(tag) + len(service) > _LONGEST_TAG_AND_NAME:
            rule = f"cannot exceed {_LONGEST_TAG_AND_NAME} characters together"
            raise invalid(f"traffic: tag '{tag}' and service name '{service}' {rule}.")


def _check_target(where: str, target: Target, revisions: Collection[str]) -> None:
    if not 0 <= target.percent <= 100:
        raise invalid(f"{where}.percent: {target.percent} is not between 0 and 100.")
    if target.tag and not _TAG.fullmatch(target.tag):
        rule = "at most 46 lower-case letters, digits and hyphens, beginning with a letter"
        raise invalid(f"{where}.tag: '{target.tag}' is not a tag ({rule}).")
    match target.type:
        case Allocation.LATEST if target.revision:
            raise invalid(f"{where}.revision: must be empty when the type is LATEST.")
        case Allocation.REVISION if target.revision not in revisions:
            text = f"{where}.revision: revision '{target.revision}' does not exist or is deleted."
            raise invalid(text)
        case Allocation.UNSPECIFIED:
            raise invalid(f"{where}.type: must be LATEST or REVISION.")


def check_etag(service: Service, call: UpdateCall) -> None:
    """An etag, when given, must be that of the service as it is.

    Raises:
        CloudRunError: ABORTED when someone changed the service since the etag was read.
    """
    current = etag_of(service)
    if call.etag and call.etag != current:
        text = (
            f"Conflict for resource '{service.name}': version '{call.etag}' was specified but "
            f"current version is '{current}'."
        )
        raise CloudRunError(grpc.StatusCode.ABORTED, text)
