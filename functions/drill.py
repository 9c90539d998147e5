"""`drill`: the scheduled drill, as a message of Cloud Scheduler."""

from __future__ import annotations

from datetime import datetime

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import LOG, answers, said
from shared import bootstrap
from shared.domain.event import DrillDue
from shared.domain.ids import derive
from shared.wire import orders, pubsub
from shared.wire.snippets import snippet


@functions_framework.http
@answers("POST")
def drill(request: Request) -> Answer:
    """Start the drill that `{"drill": "rollback", "stack": "..."}` asks for.

    Only with `"apply": true` is traffic moved, and put back; without, a plan is all there is.
    """
    message = pubsub.unwrap(request.get_data(), dict(request.headers))
    name, stack = orders.field(message.data, "drill"), orders.field(message.data, "stack")
    app = bootstrap.application()
    asked = _asked(request, message, app.clock.now())
    apply = orders.flag(message.data, "apply")
    event = DrillDue(
        id=derive("drill", name, stack, asked, "apply" if apply else "plan"),
        stack=stack,
        drill=name,
        asked_by="schedule",
        apply=apply,
    )
    result = app.handle(event)
    LOG.info(said(result), extra={"stack": snippet(stack.encode()), "event": event.id})
    return {"result": said(result)}, 200


def _asked(request: Request, message: pubsub.PubsubMessage, now: datetime) -> str:
    """What tells one request for a drill from the next, and is the same when it comes again.

    Cloud Scheduler's HTTP requests carry the time they were scheduled for
    (https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs#HttpTarget);
    a message has an id; a person's bare request is a new one each second.
    """
    if scheduled := request.headers.get("X-CloudScheduler-ScheduleTime"):
        return scheduled
    bare = message.data == request.get_data()
    return now.isoformat(timespec="seconds") if bare else message.message_id
