"""`ingest`: Alertmanager's webhook. 2xx only after every alert is durable."""

from __future__ import annotations

from typing import Final

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers
from shared import bootstrap
from shared.domain.errors import BadMessage
from shared.wire import alertmanager, rejections, waiting
from shared.wire.limits import TooLarge

SOURCE: Final = "alertmanager"


@functions_framework.http
@answers("POST", acknowledges=False, waits=waiting.posted)
def ingest(request: Request) -> Answer:
    """Publish one message for each alert of a webhook."""
    app = bootstrap.application()
    if not app.sender_is_known(request.headers.get("Authorization", "")):
        LOG.warning("unknown bearer token")
        return {"error": "unknown bearer token"}, 401, {"WWW-Authenticate": "Bearer"}
    body = request.get_data()
    try:
        webhook = alertmanager.split(body, SOURCE)
    except (BadMessage, TooLarge) as error:
        _publish(app, [(str(error), body)])
        raise
    _publish(app, [(each.reason, each.raw.encode()) for each in webhook.rejected])
    accepted = app.publish_alerts(((m.event_id, m.body) for m in webhook.messages), SOURCE)
    LOG.info("accepted %d, rejected %d", accepted, webhook.rejected_count)
    return {"accepted": accepted, "rejected": webhook.rejected_count}, 200


def _publish(app: bootstrap.Application, rejected: list[tuple[str, bytes]]) -> None:
    """Have what cannot be read recorded, each with its reason."""
    events = [rejections.rejection(SOURCE, reason, raw) for reason, raw in rejected]
    for event in events:
        LOG.warning("rejected an alert: %s", event.reason)
    app.publish_rejections((event.id, rejections.encode(event)) for event in events)
