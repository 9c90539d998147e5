"""Parts that are built when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, overload

T = TypeVar("T")


class Built(Protocol):
    """What has such parts: they are built under its lock, one at a time."""

    lock: threading.RLock


class once(Generic[T]):  # noqa: N801 - reads as what it does, like `property`
    """A part of the application: built when first asked for, under its lock, then kept."""

    def __init__(self, build: Callable[[Any], T]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, application: None, owner: type) -> once[T]: ...
    @overload
    def __get__(self, application: Built, owner: type) -> T: ...
    def __get__(self, application: Built | None, owner: type) -> T | once[T]:
        if application is None:
            return self
        with application.lock:
            if self._name not in application.__dict__:
                application.__dict__[self._name] = self._build(application)
            built: T = application.__dict__[self._name]
            return built


class Lazy:
    """Stands in for a port until it is first used, so that pages never wait for Cloud Run's SDK."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build

    def __getattr__(self, name: str) -> Any:
        return getattr(self._build(), name)
