"""`respond`: alerts from the events topic, however they are wrapped."""

from __future__ import annotations

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers, said
from shared import bootstrap
from shared.app.receive import COMMAND
from shared.domain.errors import BadMessage
from shared.wire import alerts, pubsub


@functions_framework.http
@answers("POST")
def respond(request: Request) -> Answer:
    """Let every alert of the message take effect."""
    message = pubsub.unwrap(request.get_data(), dict(request.headers))
    if message.attributes.get("kind") == COMMAND:
        return {"ignored": "this message is for command"}, 200
    app = bootstrap.application()
    reading = alerts.read_any(message.data, message.attributes.get("source", ""))
    for rejected in reading.rejected:
        LOG.warning("rejected an alert: %s", rejected.reason)
    if not reading.alerts:
        raise BadMessage("there is no alert in it that can be read")
    handled = app.receive_alerts(reading.alerts)
    for result in handled:
        LOG.info(said(result), extra={"stack": result.stack, "event": result.event})
    return {"handled": [said(result) for result in handled]}, 200
