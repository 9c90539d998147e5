"""Services of `google.cloud.run.v2` in the domain's words, and traffic back.

Fields: https://cloud.google.com/run/docs/reference/rpc/google.cloud.run.v2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from shared.domain.rollback import ServiceState, Split, TrafficTarget

if TYPE_CHECKING:
    from google.cloud import run_v2

    TrafficLine = run_v2.TrafficTarget | run_v2.TrafficTargetStatus

_EVERYTHING_TO_LATEST: Final = (TrafficTarget(percent=100),)


def service_state(service: run_v2.Service) -> ServiceState:
    """The service as Cloud Run shows it."""
    return ServiceState(
        resource=service.name,
        generation=service.generation,
        etag=service.etag,
        traffic=_split(service.traffic) or _EVERYTHING_TO_LATEST,
        serving=_split(service.traffic_statuses),
        ready=_serves(service),
        reconciling=service.reconciling,
        latest_ready=_short(service.latest_ready_revision),
        uri=service.uri,
        last_modifier=service.last_modifier,
        tags={line.tag: line.uri for line in service.traffic_statuses if line.tag},
    )


def traffic_targets(split: Split) -> list[run_v2.TrafficTarget]:
    """The split as Cloud Run wants it."""
    from google.cloud import run_v2

    kind = run_v2.TrafficTargetAllocationType
    return [
        run_v2.TrafficTarget(
            type_=kind.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
            if target.revision
            else kind.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST,
            revision=target.revision,
            percent=target.percent,
            tag=target.tag,
        )
        for target in split
    ]


def _split(lines: Iterable[TrafficLine]) -> Split:
    from google.cloud import run_v2

    latest = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
    return tuple(
        TrafficTarget(
            percent=line.percent,
            revision="" if line.type_ is latest else _short(line.revision),
            tag=line.tag,
        )
        for line in lines
    )


def _serves(service: run_v2.Service) -> bool:
    """Whether the routes are ready.

    The service's own Ready condition says more than that: it stays false for as long as the
    latest revision is a failed one, also when that one gets no traffic any more, which is just
    what a rollback brings about. It counts where no condition of the routes is given.
    """
    from google.cloud import run_v2

    routes = next((each for each in service.conditions if each.type_ == "RoutesReady"), None)
    told = routes or service.terminal_condition
    return told.state is run_v2.Condition.State.CONDITION_SUCCEEDED


def _short(name: str) -> str:
    return name.rpartition("/")[2]
