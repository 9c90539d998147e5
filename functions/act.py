"""`act`: one action from the pages or the changes topic."""

from __future__ import annotations

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers
from shared import bootstrap
from shared.app.handle import Handled
from shared.wire import orders, pubsub, waiting
from shared.wire.snippets import snippet


@functions_framework.http
@answers("POST", waits=waiting.pushed)
def act(request: Request) -> Answer:
    """Carry out the action that the message names."""
    message = pubsub.unwrap(request.get_data(), dict(request.headers))
    action = orders.field(message.data, "action")
    result = bootstrap.application().act(action)
    said = "done" if isinstance(result, Handled) else str(getattr(result, "value", result))
    LOG.info(said, extra={"action": snippet(action.encode())})
    return {"result": said}, 200
