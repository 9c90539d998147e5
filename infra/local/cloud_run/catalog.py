"""What can be read of the simulated Cloud Run."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from infra.local.cloud_run.errors import not_found
from infra.local.cloud_run.model import LogEntry, Operation, Revision, Service
from infra.local.cloud_run.store import StateStore


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service and its revisions, newest first, as they were at one moment."""

    service: Service
    revisions: tuple[Revision, ...]

    @property
    def latest_created(self) -> Revision:
        """The revision that was created last, ready or not."""
        return next(r for r in self.revisions if r.name == self.service.latest_created)

    @property
    def by_name(self) -> dict[str, Revision]:
        """The revisions by their short names."""
        return {revision.name: revision for revision in self.revisions}


class Catalog:
    """Reads the state under the lock that also guards its changes."""

    def __init__(self, store: StateStore, lock: threading.Condition) -> None:
        self._store = store
        self._lock = lock

    def view(self, name: str) -> ServiceView:
        """The service of that short name.

        Raises:
            CloudRunError: NOT_FOUND, naming the services there are.
        """
        with self._lock:
            service = self._store.service(name)
            if service is None:
                known = ", ".join(service.name for service in self._store.services())
                raise not_found(f"Service '{name}' does not exist. Services: {known}.")
            return ServiceView(service, tuple(self._store.revisions(name)))

    def view_in(self, project: str, region: str, name: str) -> ServiceView:
        """The service of that name in that project and region.

        Raises:
            CloudRunError: NOT_FOUND when there is none, or it is elsewhere.
        """
        view = self.view(name)
        if (view.service.project, view.service.region) != (project, region):
            raise not_found(
                f"Service '{name}' does not exist in region '{region}' of project '{project}'; "
                f"there is '{view.service.full_name}'."
            )
        return view

    def views(self) -> list[ServiceView]:
        """Every service, by name."""
        with self._lock:
            return [self.view(service.name) for service in self._store.services()]

    def views_in(self, project: str, region: str) -> list[ServiceView]:
        """The services of a project in a region."""
        place = (project, region)
        return [v for v in self.views() if (v.service.project, v.service.region) == place]

    def revision(self, service: str, name: str) -> Revision | None:
        """The service's revision of that short name; None when there is none."""
        with self._lock:
            return self._store.revision(service, name)

    def service(self, name: str) -> Service | None:
        """The service of that short name; None when there is none."""
        with self._lock:
            return self._store.service(name)

    def operation(self, name: str) -> Operation:
        """The operation of that full name.

        Raises:
            CloudRunError: NOT_FOUND.
        """
        with self._lock:
            found = self._store.operation(name)
        if found is None:
            raise not_found(f"Operation '{name}' does not exist.")
        return found

    def operations_in(self, location: str) -> list[Operation]:
        """The operations of ``projects/P/locations/L``, newest first."""
        with self._lock:
            found = self._store.operations()
        return [o for o in found if o.name.startswith(f"{location}/operations/")]

    def log(self) -> list[LogEntry]:
        """Every mutating call, oldest first."""
        with self._lock:
            return self._store.log()
