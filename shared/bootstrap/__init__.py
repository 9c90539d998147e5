"""The only place where adapters are chosen. Everything heavy is imported here, when it is used.

An entry point calls `application()`, which is built once for a process from its environment;
each part of it is built when it is first asked for, so that `ingest` never loads Cloud Run's
client and a pressed button never waits for the policy.
"""

from shared.bootstrap.process import application, logging_for, watch
from shared.bootstrap.wiring import Application
from shared.domain.errors import Misconfigured

__all__ = ["Application", "Misconfigured", "application", "logging_for", "watch"]
