"""`command`: what people told Switchman to do, by the id under which `slack` stored it."""

from __future__ import annotations

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers, said
from shared import bootstrap
from shared.app.accept import COMMAND
from shared.wire import orders, pubsub, waiting


@functions_framework.http
@answers("POST", waits=waiting.pushed)
def command(request: Request) -> Answer:
    """Let the stored instruction take effect."""
    message = pubsub.unwrap(request.get_data(), dict(request.headers))
    if message.attributes.get("kind") != COMMAND:
        return {"ignored": "this message is for respond"}, 200
    instruction = orders.field(message.data, "instruction")
    result = bootstrap.application().follow_instruction(instruction)
    LOG.info(said(result), extra={"stack": result.stack, "event": result.event})
    return {"result": said(result)}, 200
