"""Traffic over the Cloud Run Admin API v2, by Google's own client.

API: https://cloud.google.com/run/docs/reference/rpc/google.cloud.run.v2#services. The account
needs `run.services.get`, `run.services.update`, `run.revisions.list` and `run.operations.get`,
all in `roles/run.developer`, and `iam.serviceAccounts.actAs` on the services' own accounts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared.adapters.cloud_run_calls import changing, listing_revisions_of, looking_at
from shared.adapters.cloud_run_messages import service_state, traffic_targets
from shared.adapters.cloud_run_revisions import is_deleted, revision_state
from shared.adapters.google_channel import open_channel
from shared.adapters.google_errors import Call, asked
from shared.domain.errors import Refused, Transient
from shared.domain.rollback import Revision, ServiceState, Split, same_split
from shared.ports import Clock

if TYPE_CHECKING:
    from google.longrunning import operations_pb2

T = TypeVar("T")

_POLL: Final = timedelta(seconds=0.2)
_LONGEST_WAIT: Final = timedelta(seconds=5)
_NOTHING: Final = timedelta()


class CloudRunTraffic:
    """Cloud Run's traffic. Safe to use from several threads.

    `endpoint` is `HOST:PORT` of a simulator, spoken to without encryption or credentials; without
    it the API is Google's and the credentials are the application's default ones. `timeout`
    bounds each call.

    Raises:
        Transient: There are no credentials to be had.
    """

    def __init__(
        self, clock: Clock, *, endpoint: str = "", timeout: timedelta = timedelta(seconds=8)
    ) -> None:
        from google.cloud import run_v2
        from google.cloud.run_v2.services.revisions.transports import RevisionsGrpcTransport
        from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport

        self._clock = clock
        self._timeout = timeout
        create = ServicesGrpcTransport.create_channel
        self._channel = open_channel(endpoint, "run.googleapis.com", create, "Cloud Run")
        self._services = run_v2.ServicesClient(
            transport=ServicesGrpcTransport(channel=self._channel)
        )
        self._revisions = run_v2.RevisionsClient(
            transport=RevisionsGrpcTransport(channel=self._channel)
        )
        self._lock = threading.Lock()
        self._operations: dict[str, tuple[Split, str]] = {}

    def look(self, resource: str) -> ServiceState:
        """The service as it is now.

        Raises:
            Transient: It cannot be seen now.
            Refused: It does not exist, or this account may not see it.
        """
        from google.cloud import run_v2

        request = run_v2.GetServiceRequest(name=resource)
        return service_state(self._read(looking_at(resource), self._services.get_service, request))

    def revisions(self, resource: str) -> tuple[Revision, ...]:
        """The service's revisions, newest first, without those being deleted.

        Raises:
            Transient: They cannot be seen now.
            Refused: The service does not exist, or this account may not see them.
        """
        from google.cloud import run_v2

        request = run_v2.ListRevisionsRequest(parent=resource)
        call = listing_revisions_of(resource)
        pages = self._read(call, self._revisions.list_revisions, request)
        found = asked(call, lambda: list(pages))
        there = (revision_state(each) for each in found if not is_deleted(each))
        return tuple(sorted(there, key=lambda revision: revision.created_at, reverse=True))

    def send(self, resource: str, traffic: Split, etag: str, *, dry_run: bool = False) -> None:
        """Ask for this traffic, and return once Cloud Run has taken the request.

        The request is sent at most once, and only after a look at the service was answered: when
        there is no connection, or no credentials, nothing is sent, and nothing is in doubt.

        Raises:
            Refused: Cloud Run says no; nothing changed.
            Conflict: The etag is old; nothing changed.
            Transient: Nothing was sent, or it was turned away for coming too soon.
            UnknownOutcome: It may have happened. Never of a dry run.
        """
        from google.cloud import run_v2
        from google.protobuf import field_mask_pb2

        request = run_v2.UpdateServiceRequest(
            service=run_v2.Service(name=resource, etag=etag, traffic=traffic_targets(traffic)),
            update_mask=field_mask_pb2.FieldMask(paths=["traffic"]),
            validate_only=dry_run,
        )
        self.look(resource)
        if not dry_run:
            self._remember(resource, traffic, "")
        seconds = self._timeout.total_seconds()
        answer = asked(
            changing(resource, dry_run=dry_run),
            lambda: self._services.update_service(request, retry=None, timeout=seconds),
        )
        operation: operations_pb2.Operation = answer.operation
        if dry_run:
            _check(operation)
        else:
            self._remember(resource, traffic, operation.name)

    def settled(self, resource: str, traffic: Split, deadline: timedelta) -> ServiceState:
        """Wait until the service is Ready and its observed traffic is this, or time is up.

        Cloud Run is asked to say when the operation is done; where the operation is not known, or
        cannot be seen, the service is looked at, at most every 0.2 s. Returns the service as last
        seen either way.

        Raises:
            Transient: It was never seen.
            Refused: The operation that `send` began has failed: asked for, but not carried out.
        """
        end = self._clock.now() + deadline
        operation = self._operation(resource, traffic)
        seen: ServiceState | None = None
        while True:
            began = self._clock.now()
            if operation and self._ended(operation, end):
                operation = ""
            try:
                seen = self.look(resource)
            except Transient:
                if seen is None and self._clock.now() >= end:
                    raise
            if seen is not None and (_arrived(seen, traffic) or self._clock.now() >= end):
                return seen
            now = self._clock.now()
            self._clock.sleep(max(_NOTHING, min(_POLL, began + _POLL - now, end - now)))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _remember(self, resource: str, traffic: Split, operation: str) -> None:
        """Keep the operation's name; an earlier one says nothing about a change sent since."""
        with self._lock:
            self._operations[resource] = (traffic, operation)

    def _operation(self, resource: str, traffic: Split) -> str:
        """The name of the operation that brings this traffic about; empty when it is not known."""
        with self._lock:
            sent, name = self._operations.get(resource, ((), ""))
        return name if same_split(sent, traffic) else ""

    def _ended(self, operation: str, end: datetime) -> bool:
        """Wait for the operation; True when there is nothing more to learn from it."""
        from google.api_core.exceptions import GoogleAPICallError, ServerError
        from google.longrunning import operations_pb2

        wait = min(_LONGEST_WAIT, max(_NOTHING, end - self._clock.now()))
        request = operations_pb2.WaitOperationRequest(name=operation)
        request.timeout.FromTimedelta(wait)
        seconds = (wait + self._timeout).total_seconds()
        try:
            raw: Any = self._services.wait_operation(request, retry=None, timeout=seconds)
        except ServerError:
            return False
        except GoogleAPICallError:
            return True  # the operation is forgotten or hidden from us: the service itself tells
        # google-cloud-run 0.16 hands this one answer over as bytes.
        found = operations_pb2.Operation.FromString(raw) if isinstance(raw, bytes) else raw
        _check(found)
        return bool(found.done)

    def _read(self, call: Call, method: Callable[..., T], request: object) -> T:
        """The answer of a call that changes nothing, repeated while the API is away."""
        from google.api_core.exceptions import ServiceUnavailable
        from google.api_core.retry import Retry, if_exception_type

        seconds = self._timeout.total_seconds()
        retry = Retry(if_exception_type(ServiceUnavailable), initial=0.2, timeout=seconds)
        return asked(call, lambda: method(request, retry=retry, timeout=seconds))


def _check(operation: operations_pb2.Operation) -> None:
    if operation.done and operation.HasField("error"):
        raise Refused(f"Cloud Run could not carry it out: {operation.error.message}")


def _arrived(state: ServiceState, traffic: Split) -> bool:
    """Whether the service serves this; lines without traffic and tag ask for nothing."""
    wanted = tuple(target for target in traffic if target.percent or target.tag)
    serving = tuple(target for target in state.serving if target.percent or target.tag)
    return state.ready and not state.reconciling and same_split(serving, wanted)
