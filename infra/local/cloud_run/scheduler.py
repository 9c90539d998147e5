"""The thread that finishes operations when they are due, and the wait for one to be done."""

from __future__ import annotations

import threading

import grpc

from infra.local.cloud_run.control_plane import ControlPlane
from infra.local.cloud_run.errors import CloudRunError
from infra.local.cloud_run.model import Operation


class Scheduler:
    """Sleeps until the next operation is due or the state changes; never polls."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="simulated-cloud-run", daemon=True)

    def start(self) -> None:
        """Finish what is overdue at once, and go on in a thread."""
        self._plane.run_due()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and every wait."""
        with self._plane.changed:
            self._stopping = True
            self._plane.changed.notify_all()
        self._thread.join()

    def wait(self, name: str, seconds: float | None) -> Operation:
        """The operation once it is done, or as it is after ``seconds`` (None: no limit).

        Raises:
            CloudRunError: NOT_FOUND; UNAVAILABLE when the simulation stops meanwhile.
        """
        find = self._plane.catalog.operation
        with self._plane.changed:
            self._plane.changed.wait_for(lambda: self._stopping or find(name).done, seconds)
            operation = find(name)
            if self._stopping and not operation.done:
                raise CloudRunError(grpc.StatusCode.UNAVAILABLE, "The simulation is stopping.")
            return operation

    def _run(self) -> None:
        with self._plane.changed:
            while not self._stopping:
                self._plane.changed.wait(self._plane.run_due())
