"""`status`: what stands and what happened, read only, as pages for people and as JSON."""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request
from flask.typing import ResponseReturnValue as Answer

from functions.edge import answers
from shared import bootstrap
from shared.domain.evidence import drill_markdown
from shared.domain.stack import Stack
from shared.wire import duty, shown

_NO_DATA = (
    "there is /api/incidents, /api/incidents/ID, /api/drills, /api/stacks, /api/stacks/ID, "
    "/api/oncall and /api/measures"
)


@functions_framework.http
@answers("GET")
def status(request: Request) -> Answer:
    """`/status`, and there `/incidents/ID`, `/stacks/ID`, `/drills/ID`; as data under `/api/`."""
    match [part for part in request.path.split("/") if part]:
        case [] | ["status"]:
            return _page(_overview())
        case ["status", "incidents", incident_id] if found := _incident(incident_id):
            return _page(bootstrap.application().pages.incident(found))
        case ["status", "stacks", stack_id] if stack := _stack(stack_id):
            return _page(bootstrap.application().pages.stack(stack))
        case ["status", "drills", drill_id] if report := _drill_report(drill_id):
            return report, 200, {"Content-Type": "text/markdown; charset=utf-8"}
        case ["api", *rest]:
            data = _data(rest)
            return ({"error": _NO_DATA}, 404) if data is None else (data, 200)
        case _:
            return _page(bootstrap.application().pages.missing(request.path), 404)


def _page(html: str, code: int = 200) -> Answer:
    return html, code, bootstrap.application().pages.headers


def _overview() -> str:
    application = bootstrap.application()
    views = application.store.incidents()
    return application.pages.overview(
        incidents=[shown.incident(view.incident, view.alerts) for view in views],
        drills=[shown.drill(row) for row in application.store.drills()],
        on_call=duty.on_call(application.policy, application.clock.now()),
        measures=shown.measures([view.incident for view in views]),
    )


def _drill_report(drill_id: str) -> str | None:
    """A drill's report, in Markdown, to be filed as it is."""
    drills = bootstrap.application().store.drills(limit=100)
    return next((drill_markdown(row) for row in drills if row.id == drill_id), None)


def _incident(incident_id: str) -> dict[str, Any] | None:
    store = bootstrap.application().store
    view = store.incident(incident_id)
    if view is None:
        return None
    return shown.incident(view.incident, view.alerts, store.timeline(incident_id))


def _stack(stack_id: str) -> dict[str, Any] | None:
    """A stack that the policy has, or that something was heard of."""
    application = bootstrap.application()
    heads = (head for head in application.store.heads() if head.stack.id == stack_id)
    head = next(heads, None)
    if head is not None:
        return shown.stack(head.stack, head.writes)
    known = stack_id in application.policy.stacks
    return shown.stack(Stack(id=stack_id), writes=None) if known else None


def _data(path: list[str]) -> list[dict[str, Any]] | dict[str, Any] | None:
    store = bootstrap.application().store
    match path:
        case ["incidents"]:
            return [shown.incident(view.incident, view.alerts) for view in store.incidents()]
        case ["incidents", incident_id]:
            return _incident(incident_id)
        case ["drills"]:
            return [shown.drill(row) for row in store.drills()]
        case ["stacks"]:
            return [shown.stack(view.stack, view.writes) for view in store.heads()]
        case ["stacks", stack_id]:
            return _stack(stack_id)
        case ["oncall"]:
            application = bootstrap.application()
            return duty.on_call(application.policy, application.clock.now())
        case ["measures"]:
            return shown.measures([view.incident for view in store.incidents()])
        case _:
            return None
