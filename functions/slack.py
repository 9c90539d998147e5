"""`slack`: pressed buttons. Verified and stored, then answered; the work is done elsewhere."""

from __future__ import annotations

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import answers
from shared import bootstrap
from shared.domain.event import Instruction
from shared.wire import slack as wire


@functions_framework.http
@answers("POST")
def slack(request: Request) -> Answer:
    """Store the press and publish its id: within Slack's 3 s, because nothing is done here."""
    app = bootstrap.application()
    body, headers = request.get_data(), dict(request.headers)
    app.verify_slack(headers, body)
    press = wire.parse_interaction(body)
    app.store_instruction(
        Instruction(
            id=wire.event_id_of(headers, body),
            choice=press.choice,
            incident=press.subject.incident,
            plan=press.subject.plan,
            person=press.user_id,
            channel=press.channel,
            at=app.clock.now(),
        )
    )
    return "", 200
