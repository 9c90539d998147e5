"""`ingest`: Alertmanager's webhook. 2xx only after every alert is durable."""

from __future__ import annotations

from typing import Final

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers
from shared import bootstrap
from shared.wire import alertmanager

SOURCE: Final = "alertmanager"


@functions_framework.http
@answers("POST", acknowledges=False)
def ingest(request: Request) -> Answer:
    """Publish one message for each alert of a webhook."""
    app = bootstrap.application()
    if not app.sender_is_known(request.headers.get("Authorization", "")):
        LOG.warning("unknown bearer token")
        return {"error": "unknown bearer token"}, 401, {"WWW-Authenticate": "Bearer"}
    webhook = alertmanager.split(request.get_data(), SOURCE)
    for rejected in webhook.rejected:
        LOG.warning("rejected an alert: %s", rejected.reason)
    accepted = app.publish_alerts(((m.event_id, m.body) for m in webhook.messages), SOURCE)
    LOG.info("accepted %d, rejected %d", accepted, webhook.rejected_count)
    return {"accepted": accepted, "rejected": webhook.rejected_count}, 200
