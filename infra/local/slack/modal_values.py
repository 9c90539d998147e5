"""What a person typed and chose in a modal, in the form in which Slack sends it.

https://docs.slack.dev/reference/views/modal-views#view_state
"""

from collections.abc import Mapping
from typing import Any

from infra.local.slack.blocks import inputs
from infra.local.slack.errors import RequestError
from infra.local.slack.model import Json

# What Slack itself says under a field before it sends anything to the app.
_REQUIRED = "Please complete this required field."


def check_known(blocks: list[Json], values: Any) -> None:
    """RequestError (400) unless `values` is `{block_id: {action_id: value}}` of these blocks."""
    known = {block["block_id"]: element["action_id"] for block, element in inputs(blocks)}
    if not isinstance(values, dict):
        raise RequestError(400, "`values` must be an object: {block_id: {action_id: value}}")
    for block_id, given in values.items():
        if block_id not in known:
            raise RequestError(400, f"the modal has no input block {block_id!r}")
        if not isinstance(given, dict) or set(given) - {known[block_id]}:
            raise RequestError(400, f"block {block_id!r} takes only {known[block_id]!r}")


def state_of(blocks: list[Json], values: Mapping[str, Mapping[str, Any]]) -> Json:
    """`view.state.values`: each input's value, its initial one where none is given."""
    state: Json = {}
    for block, element in inputs(blocks):
        given = values.get(block["block_id"], {})
        action_id = element["action_id"]
        value = given[action_id] if action_id in given else _initial(element)
        state[block["block_id"]] = {action_id: _value(element, value)}
    return state


def missing(blocks: list[Json], state: Json) -> dict[str, str]:
    """What Slack shows under each field that it would not let the person submit."""
    faults: dict[str, str] = {}
    for block, element in inputs(blocks):
        value = state[block["block_id"]][element["action_id"]]
        content = next(content for key, content in value.items() if key != "type")
        if not content and not block.get("optional"):
            faults[block["block_id"]] = _REQUIRED
        elif isinstance(content, str) and not _length_fits(element, content):
            faults[block["block_id"]] = "The text is too short or too long."
    return faults


def _length_fits(element: Json, text: str) -> bool:
    shortest, longest = element.get("min_length", 0), element.get("max_length", 3000)
    return not text or shortest <= len(text) <= longest


def _initial(element: Json) -> Any:
    match element["type"]:
        case "plain_text_input":
            return element.get("initial_value")
        case "checkboxes":
            return [option["value"] for option in element.get("initial_options", ())]
        case _:
            return element.get("initial_option", {}).get("value")


def _value(element: Json, value: Any) -> Json:
    match element["type"]:
        case "plain_text_input":
            if value is not None and not isinstance(value, str):
                raise RequestError(400, f"{element['action_id']!r} takes a string")
            return {"type": "plain_text_input", "value": value or None}
        case "checkboxes":
            if not isinstance(value, list):
                raise RequestError(400, f"{element['action_id']!r} takes a list of values")
            chosen = [_option(element, item) for item in value]
            return {"type": "checkboxes", "selected_options": chosen}
        case kind:
            selected = None if value is None else _option(element, value)
            return {"type": kind, "selected_option": selected}


def _option(element: Json, value: Any) -> Json:
    for option in element["options"]:
        if option["value"] == value:
            found: Json = option
            return found
    raise RequestError(400, f"{element['action_id']!r} has no option {value!r}")
