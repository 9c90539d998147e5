"""Reading blocks that Slack has accepted: their ids, and the elements in them."""

from collections.abc import Iterable, Iterator, Sequence

from infra.local.slack.model import Json, short_id


def with_ids(blocks: Sequence[Json], seed: str) -> tuple[Json, ...]:
    """`blocks` with the block and action ids that Slack adds where the app gave none.

    Args:
        blocks: Valid blocks.
        seed: What the message or modal is known by; the added ids depend on it alone.
    """
    return tuple(_block_with_ids(block, f"{seed}/{i}") for i, block in enumerate(blocks))


def actions(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Each element that a person can use, with its block."""
    for block in blocks:
        for element in (*block.get("elements", ()), block.get("accessory"), block.get("element")):
            if element is not None and "action_id" in element:
                yield block, element


def find_action(blocks: Iterable[Json], action_id: str) -> tuple[Json, Json] | None:
    """The block and the element of this action id; None when it is not there."""
    return next((pair for pair in actions(blocks) if pair[1]["action_id"] == action_id), None)


def inputs(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Each input block with its element."""
    return ((block, block["element"]) for block in blocks if block["type"] == "input")


def _block_with_ids(block: Json, seed: str) -> Json:
    done = {"block_id": short_id(seed), **block}
    if block["type"] == "actions":
        done["elements"] = [
            _element_with_id(element, f"{seed}/{i}") for i, element in enumerate(block["elements"])
        ]
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            done[name] = _element_with_id(block[name], f"{seed}/{name}")
    return done


def _element_with_id(element: Json, seed: str) -> Json:
    if element["type"] == "image":
        return element
    return {"action_id": short_id(seed), **element}
