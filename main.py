"""What Cloud Run functions loads: the entry points, and nothing else.

A process serves one of them, so each is imported when it is asked for: importing all eight would
cost every cold start about 40 ms.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.act import act
    from functions.command import command
    from functions.drill import drill
    from functions.ingest import ingest
    from functions.respond import respond
    from functions.slack import slack
    from functions.status import status
    from functions.tick import tick

__all__ = ["act", "command", "drill", "ingest", "respond", "slack", "status", "tick"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"there is no entry point {name!r}; there are {', '.join(__all__)}")
    return resolve_name(f"functions.{name}:{name}")
