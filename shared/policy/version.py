"""Which version of the policy file this is: of another than ours nothing else can be said."""

from __future__ import annotations

from typing import Final

import yaml

VERSION: Final = "1"


def other_version(root: yaml.Node) -> tuple[int, str] | None:
    """The line that names another version, and what to do about it; None if it is ours or none."""
    if not isinstance(root, yaml.MappingNode):
        return None
    for key, value in root.value:
        if key.value == "version" and isinstance(value, yaml.ScalarNode) and value.value != VERSION:
            return value.start_mark.line + 1, (
                f"version must be {VERSION}, the only one that this Switchman reads, not "
                f"{value.value!r}: write version: {VERSION}, or use the Switchman it was written for"
            )
    return None
