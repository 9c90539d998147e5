"""`respond`: alerts from the events topic, however they are wrapped."""

from __future__ import annotations

from typing import Final

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers, said
from shared import bootstrap
from shared.app.accept import COMMAND, REJECTED
from shared.domain.alert import Alert
from shared.domain.errors import BadMessage
from shared.domain.event import MessageRejected
from shared.wire import alerts, pubsub, rejections, waiting
from shared.wire.limits import TooLarge

PUBSUB: Final = "pubsub"
"""The source of what came over the topic without saying from whom."""


@functions_framework.http
@answers("POST", waits=waiting.pushed)
def respond(request: Request) -> Answer:
    """Let every alert of the message take effect."""
    message = _unwrapped(request)
    if message.attributes.get("kind") == COMMAND and not rejections.is_dead(message.attributes):
        return {"ignored": "this message is for command"}, 200
    app = bootstrap.application()
    found, unreadable = _read(message)
    for event in unreadable:
        LOG.warning("rejected an alert: %s", event.reason)
    handled = (*app.receive_alerts(found), *map(app.receive_alerts.reject, unreadable))
    for result in handled:
        LOG.info(said(result), extra={"stack": result.stack, "event": result.event})
    answer = {"handled": [said(result) for result in handled]}
    if unreadable:
        answer["rejected"] = [event.reason for event in unreadable]
    return answer, 200


def _unwrapped(request: Request) -> pubsub.PubsubMessage:
    """The message; where its envelope is broken, the envelope itself, to be recorded."""
    body = request.get_data()
    try:
        return pubsub.unwrap(body, dict(request.headers))
    except (BadMessage, TooLarge):
        return pubsub.PubsubMessage(data=body, message_id="")


def _read(message: pubsub.PubsubMessage) -> tuple[tuple[Alert, ...], list[MessageRejected]]:
    """The alerts of the message, and what of it nobody can read."""
    source = message.attributes.get("source", "")
    dead = rejections.dead_letter(message.attributes, message.data)
    if dead is not None:
        return (), [dead]
    try:
        if message.attributes.get("kind") == REJECTED:
            return (), [rejections.decode(message.data)]
        reading = alerts.read_any(message.data, source, message.published_at)
    except (BadMessage, TooLarge) as error:
        return (), [rejections.rejection(source or PUBSUB, str(error), message.data)]
    return reading.alerts, [
        rejections.rejection(source or PUBSUB, each.reason, each.raw.encode())
        for each in reading.rejected
    ]
