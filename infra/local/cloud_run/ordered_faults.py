"""The faults that were ordered and not met yet."""

from __future__ import annotations

from dataclasses import replace

from infra.local.cloud_run.faults import ApiMethod, Fault
from infra.local.cloud_run.store import StateStore


class OrderedFaults:
    """Hands each call the fault it meets. The caller holds the lock of the state."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def waits_for(self, service: str, method: ApiMethod) -> bool:
        """Whether the method's next call about the service meets a fault."""
        return any(fault.strikes(method) for _, fault in self._store.faults(service))

    def take(self, service: str, method: ApiMethod, *, validate_only: bool = False) -> Fault | None:
        """The fault this call meets, counted down; within the caller's transaction."""
        for number, fault in self._store.faults(service):
            if fault.strikes(method, validate_only=validate_only):
                left = fault.times if fault.times < 0 else fault.times - 1
                self._store.replace_fault(number, replace(fault, times=left))
                return fault
        return None
