"""The limits of Block Kit's text objects and elements.

https://docs.slack.dev/reference/block-kit/block-elements
https://docs.slack.dev/reference/block-kit/composition-objects
"""

from collections.abc import Callable, Mapping, Set

from infra.local.slack.model import Json

INTERACTIVE = frozenset({"button", "static_select", "checkboxes", "radio_buttons"})
ACCESSORIES = INTERACTIVE | {"image"}
INPUTS = frozenset({"plain_text_input", "static_select", "checkboxes", "radio_buttons"})

_ACTION_ID = 255
_BUTTON_TEXT = 75
_VALUE = 2000
_URL = 3000
_PLACEHOLDER = 150
_OPTION_TEXT = 75
_OPTION_VALUE = 150
_SELECT_OPTIONS = 100
_FEW_OPTIONS = 10
_CONFIRM_TITLE = 100
_CONFIRM_TEXT = 300
_CONFIRM_BUTTON = 30
_ALT_TEXT = 2000
_INITIAL_VALUE = 3000


class Findings:
    """Collects what is wrong, each with a pointer to where."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, message: str, pointer: str) -> None:
        """Notes one fault."""
        self._found.append(f"{message} [json-pointer:{pointer}]")

    def messages(self) -> list[str]:
        """The findings found so far."""
        return list(self._found)

    def mapping(self, pointer: str, value: object) -> Json | None:
        """`value` if it is an object; else a fault and None."""
        if isinstance(value, dict):
            return value
        self.add("must provide an object", pointer)
        return None

    def array(self, pointer: str, value: object, limit: int) -> list[object]:
        """The items of `value`, with a fault unless it is an array of at most `limit`."""
        if not isinstance(value, list):
            self.add("must be an array", pointer)
            return []
        if len(value) > limit:
            self.add(f"no more than {limit} items allowed", pointer)
        return value

    def string(self, pointer: str, value: object, limit: int) -> None:
        """A fault unless `value` is a string of at most `limit` characters."""
        if not isinstance(value, str):
            self.add("must be a string", pointer)
        elif len(value) > limit:
            self.add(f"must be less than {limit + 1} characters", pointer)

    def text(self, pointer: str, value: object, limit: int, *, plain: bool = False) -> None:
        """A fault unless `value` is a text object of 1 to `limit` characters."""
        document = self.mapping(pointer, value)
        if document is None:
            return
        kinds = {"plain_text"} if plain else {"plain_text", "mrkdwn"}
        if document.get("type") not in kinds:
            self.add(f"must be one of: {', '.join(sorted(kinds))}", f"{pointer}/type")
        text = document.get("text")
        self.string(f"{pointer}/text", text, limit)
        if text == "":
            self.add("must be more than 0 characters", f"{pointer}/text")


def check(findings: Findings, pointer: str, value: object, allowed: Set[str]) -> None:
    """Notes what Slack would refuse about one element where only `allowed` may stand."""
    element = findings.mapping(pointer, value)
    if element is None:
        return
    kind = str(element.get("type"))
    if kind not in allowed:
        findings.add(f"unsupported type: {kind}", f"{pointer}/type")
        return
    if kind != "image":
        findings.string(f"{pointer}/action_id", element.get("action_id", ""), _ACTION_ID)
    if element.get("confirm") is not None:
        _confirm(findings, f"{pointer}/confirm", element["confirm"])
    if element.get("placeholder") is not None:
        findings.text(f"{pointer}/placeholder", element["placeholder"], _PLACEHOLDER, plain=True)
    _ELEMENTS[kind](findings, pointer, element)


def _button(findings: Findings, here: str, element: Json) -> None:
    findings.text(f"{here}/text", element.get("text"), _BUTTON_TEXT, plain=True)
    findings.string(f"{here}/value", element.get("value", ""), _VALUE)
    findings.string(f"{here}/url", element.get("url", ""), _URL)
    if element.get("style") not in {None, "primary", "danger"}:
        findings.add("must be one of: primary, danger", f"{here}/style")


def _confirm(findings: Findings, here: str, value: object) -> None:
    dialog = findings.mapping(here, value)
    if dialog is None:
        return
    findings.text(f"{here}/title", dialog.get("title"), _CONFIRM_TITLE, plain=True)
    findings.text(f"{here}/text", dialog.get("text"), _CONFIRM_TEXT)
    for name in ("confirm", "deny"):
        if dialog.get(name) is not None:
            findings.text(f"{here}/{name}", dialog[name], _CONFIRM_BUTTON, plain=True)


def _plain_text_input(findings: Findings, here: str, element: Json) -> None:
    findings.string(f"{here}/initial_value", element.get("initial_value", ""), _INITIAL_VALUE)


def _select(findings: Findings, here: str, element: Json) -> None:
    _options(findings, here, element, _SELECT_OPTIONS)


def _choices(findings: Findings, here: str, element: Json) -> None:
    _options(findings, here, element, _FEW_OPTIONS)


def _options(findings: Findings, here: str, element: Json, limit: int) -> None:
    found = findings.array(f"{here}/options", element.get("options"), limit)
    if not found:
        findings.add("must have at least 1 item", f"{here}/options")
    for index, item in enumerate(found):
        pointer = f"{here}/options/{index}"
        option = findings.mapping(pointer, item)
        if option is not None:
            findings.text(f"{pointer}/text", option.get("text"), _OPTION_TEXT)
            findings.string(f"{pointer}/value", option.get("value"), _OPTION_VALUE)


def _image(findings: Findings, here: str, element: Json) -> None:
    findings.string(f"{here}/image_url", element.get("image_url"), _URL)
    findings.string(f"{here}/alt_text", element.get("alt_text"), _ALT_TEXT)


_ELEMENTS: Mapping[str, Callable[[Findings, str, Json], None]] = {
    "button": _button,
    "plain_text_input": _plain_text_input,
    "static_select": _select,
    "checkboxes": _choices,
    "radio_buttons": _choices,
    "image": _image,
}
