"""What this process has built, and how it logs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shared.adapters.structured_log import configure, labelled
from shared.bootstrap.last_resort import WayOut
from shared.bootstrap.wiring import Application
from shared.config import Settings, SettingsError
from shared.domain.errors import Misconfigured

if TYPE_CHECKING:
    from shared.app.last_resort import Watch

LOG: Final = logging.getLogger("switchman")


class _Process:
    """What this process has built: at most one of each."""

    lock = threading.Lock()
    application: Application | None = None
    watch: Watch | None = None


def application() -> Application:
    """The process's application, built from its environment on the first call.

    Raises `Misconfigured` with every fault of the environment at once.
    """
    with _Process.lock:
        if _Process.application is None:
            try:
                _Process.application = Application(Settings.from_env(os.environ))
            except SettingsError as error:
                raise Misconfigured(*error.faults) from error
        return _Process.application


def watch() -> Watch:
    """Who counts this process's failures; there is one whatever is wrong with the environment.

    Deployed without a last resort, it says so when it is built. Cloud Run names the service in
    K_SERVICE: https://cloud.google.com/run/docs/container-contract#services-env-vars.
    """
    with _Process.lock:
        if _Process.watch is None:
            from shared.app.last_resort import Watch

            way_out = WayOut(Settings.for_last_resort(os.environ))
            if "K_SERVICE" in os.environ and not way_out.settings.last_resort:
                LOG.warning(
                    "SWITCHMAN_LAST_RESORT is not set: if the policy, the store or Slack cannot "
                    "be reached, nobody hears of it from here"
                )
            _Process.watch = Watch(way_out.last_word)
        return _Process.watch


@contextmanager
def logging_for(function: str, trace: str) -> Iterator[None]:
    """Every line logged meanwhile, as JSON, says which function wrote it and for which trace.

    Cloud Logging takes a trace by its full name:
    https://cloud.google.com/logging/docs/structured-logging#special-payload-fields.
    """
    configure()
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    name = f"projects/{project}/traces/{trace}" if project and trace else trace
    with labelled(function=function, trace=name):
        yield
