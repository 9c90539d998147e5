"""`slack`: what people type, press and fill in. It is stored here; what it asks for happens later."""

from __future__ import annotations

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import answers
from shared import bootstrap
from shared.app.typed import Typed
from shared.domain.event import Instruction
from shared.domain.paging import Choice
from shared.wire import slack_answer, slack_modal, waiting
from shared.wire.slack import event_id_of
from shared.wire.slack_command import SlashCommand
from shared.wire.slack_request import Press, Submission, parse_request


@functions_framework.http
@answers("POST", waits=waiting.typed)
def slack(request: Request) -> Answer:
    """Answer a command, or store what was pressed or submitted, within Slack's 3 s."""
    app = bootstrap.application()
    body, headers = request.get_data(), dict(request.headers)
    app.verify_slack(headers, body)
    event = event_id_of(headers, body)
    match parse_request(body):
        case SlashCommand() as command:
            return _typed(app, event, command)
        case Submission() as submission:
            return _submitted(app, event, submission)
        case Press() as press:
            return _pressed(app, event, press)


def _typed(app: bootstrap.Application, event: str, command: SlashCommand) -> Answer:
    answer = app.take_command(
        Typed(
            id=event,
            command=command.command,
            text=command.text,
            person=command.user_id,
            channel=command.channel,
            trigger=command.trigger_id,
            at=app.clock.now(),
        )
    )
    if answer is None:
        return "", 200
    return slack_answer.private(answer.headline, answer.facts, answer.paragraphs), 200


def _submitted(app: bootstrap.Application, event: str, submission: Submission) -> Answer:
    why_not = app.ask_for_rollback(
        Instruction(
            id=event,
            choice=Choice.ROLLBACK,
            person=submission.user_id,
            channel="",
            at=app.clock.now(),
            stack=submission.stack,
            text=submission.reason,
        )
    )
    if why_not:
        return slack_modal.rejected(why_not), 200
    return slack_modal.accepted(submission.stack), 200


def _pressed(app: bootstrap.Application, event: str, press: Press) -> Answer:
    app.store_instruction(
        Instruction(
            id=event,
            choice=press.choice,
            incident=press.subject.incident,
            plan=press.subject.plan,
            person=press.user_id,
            channel=press.channel,
            at=app.clock.now(),
        )
    )
    return "", 200
