"""The limits of Block Kit, as Slack enforces them on messages and modals.

https://docs.slack.dev/reference/block-kit/blocks gives the numbers; the wording of the findings
is that of `response_metadata.messages`.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from infra.local.slack import elements
from infra.local.slack.elements import Findings
from infra.local.slack.model import Json

MESSAGE_BLOCKS = 50
MODAL_BLOCKS = 100
_SECTION_TEXT = 3000
_SECTION_FIELDS = 10
_FIELD_TEXT = 2000
_HEADER_TEXT = 150
_ACTIONS = 25
_CONTEXT_ELEMENTS = 10
_LABEL_TEXT = 2000
_BLOCK_ID = 255
_MODAL_TITLE = 24
_CALLBACK_ID = 255
_PRIVATE_METADATA = 3000

Surface = Literal["message", "modal"]


def message_faults(blocks: object) -> list[str]:
    """What Slack would refuse about the blocks of a message; empty when nothing."""
    findings = Findings()
    _check_blocks(findings, "/blocks", blocks, MESSAGE_BLOCKS)
    return findings.messages()


def view_faults(view: object) -> list[str]:
    """What Slack would refuse about a modal; empty when nothing."""
    findings = Findings()
    document = findings.mapping("/view", view)
    if document is None:
        return findings.messages()
    if document.get("type") != "modal":
        findings.add("must be `modal`", "/view/type")
    findings.text("/view/title", document.get("title"), _MODAL_TITLE, plain=True)
    for name in ("submit", "close"):
        if document.get(name) is not None:
            findings.text(f"/view/{name}", document[name], _MODAL_TITLE, plain=True)
    findings.string("/view/callback_id", document.get("callback_id", ""), _CALLBACK_ID)
    findings.string(
        "/view/private_metadata", document.get("private_metadata", ""), _PRIVATE_METADATA
    )
    _check_blocks(findings, "/view/blocks", document.get("blocks"), MODAL_BLOCKS)
    if _has_input(document.get("blocks")) and document.get("submit") is None:
        findings.add("missing required field: submit", "/view")
    return findings.messages()


def _has_input(blocks: object) -> bool:
    return isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )


def _check_blocks(findings: Findings, pointer: str, blocks: object, limit: int) -> None:
    found = findings.array(pointer, blocks, limit)
    seen: set[str] = set()
    for index, block in enumerate(found):
        here = f"{pointer}/{index}"
        document = findings.mapping(here, block)
        if document is None:
            continue
        check = _BLOCKS.get(str(document.get("type")))
        if check is None:
            findings.add(f"unsupported type: {document.get('type')}", f"{here}/type")
            continue
        block_id = document.get("block_id", "")
        findings.string(f"{here}/block_id", block_id, _BLOCK_ID)
        if block_id and block_id in seen:
            findings.add(f"block_id already exists: {block_id}", f"{here}/block_id")
        seen.add(str(block_id))
        check(findings, here, document)


def _header(findings: Findings, here: str, block: Json) -> None:
    findings.text(f"{here}/text", block.get("text"), _HEADER_TEXT, plain=True)


def _section(findings: Findings, here: str, block: Json) -> None:
    if block.get("text") is None and not block.get("fields"):
        findings.add("missing required field: text", here)
    if block.get("text") is not None:
        findings.text(f"{here}/text", block["text"], _SECTION_TEXT)
    if block.get("fields") is not None:
        fields = findings.array(f"{here}/fields", block["fields"], _SECTION_FIELDS)
        for index, item in enumerate(fields):
            findings.text(f"{here}/fields/{index}", item, _FIELD_TEXT)
    if block.get("accessory") is not None:
        elements.check(findings, f"{here}/accessory", block["accessory"], elements.ACCESSORIES)


def _context(findings: Findings, here: str, block: Json) -> None:
    found = findings.array(f"{here}/elements", block.get("elements"), _CONTEXT_ELEMENTS)
    for index, item in enumerate(found):
        pointer = f"{here}/elements/{index}"
        if isinstance(item, dict) and item.get("type") == "image":
            elements.check(findings, pointer, item, {"image"})
        else:
            findings.text(pointer, item, _SECTION_TEXT)


def _actions(findings: Findings, here: str, block: Json) -> None:
    found = findings.array(f"{here}/elements", block.get("elements"), _ACTIONS)
    seen: set[str] = set()
    for index, item in enumerate(found):
        pointer = f"{here}/elements/{index}"
        elements.check(findings, pointer, item, elements.INTERACTIVE)
        action_id = item.get("action_id") if isinstance(item, dict) else None
        if isinstance(action_id, str) and action_id in seen:
            findings.add(f"action_id already exists: {action_id}", f"{pointer}/action_id")
        seen.add(str(action_id))


def _input(findings: Findings, here: str, block: Json) -> None:
    findings.text(f"{here}/label", block.get("label"), _LABEL_TEXT, plain=True)
    if block.get("hint") is not None:
        findings.text(f"{here}/hint", block["hint"], _LABEL_TEXT, plain=True)
    elements.check(findings, f"{here}/element", block.get("element"), elements.INPUTS)


def _image(findings: Findings, here: str, block: Json) -> None:
    elements.check(findings, here, block, {"image"})


def _divider(findings: Findings, here: str, block: Json) -> None:
    """A divider has nothing that could be wrong."""


_BLOCKS: Mapping[str, Callable[[Findings, str, Json], None]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "divider": _divider,
}
