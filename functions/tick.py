"""`tick`: each minute, timers that are due and messages that may have been lost."""

from __future__ import annotations

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers
from shared import bootstrap
from shared.wire import waiting


@functions_framework.http
@answers("GET", "POST", waits=waiting.timed)
def tick(request: Request) -> Answer:
    """Make the events whose time has come. 503 if one of them has to wait for the store."""
    del request
    result = bootstrap.application().tick()
    for failed in result.failed:
        LOG.warning("not now: %s", failed)
    counts = {
        "timers": result.timers,
        "published_again": result.published_again,
        "pruned": result.pruned,
        "failed": len(result.failed),
    }
    return counts, 503 if result.failed else 200
