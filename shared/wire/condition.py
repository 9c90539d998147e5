"""The condition of a Cloud Monitoring alert policy: what it asks for, in every kind's own way.

https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#condition
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.domain.errors import BadMessage
from shared.wire import strict_json
from shared.wire.strict_json import text

# `metric.type="..."` and `resource.type="..."` in a condition's filter.
_FILTERED: Final = re.compile(r'\b(metric|resource)\.types?\s*=\s*\\?"([^"\\]+)\\?"')
_FILTERED_LABEL: Final = re.compile(
    r'\b(metric|resource)\.labels?\.\\?"?([A-Za-z0-9_]+)\\?"?\s*=\s*\\?"([^"\\]+)\\?"'
)


class Condition:
    """The alert policy's condition: one of a dozen kinds, each under a key of its own."""

    def __init__(self, raw: Mapping[str, msgspec.Raw]) -> None:
        self._texts = tuple(
            found
            for name, value in sorted(raw.items())
            if name.startswith("condition")
            for found in _strings(value, ("filter", "query"))
        )
        self.name = next(iter(_strings_of(raw, "displayName")), "")

    @property
    def expression(self) -> str:
        """The filter, or the query in PromQL, MQL or SQL."""
        return text(" ".join(self._texts))

    def type_of(self, what: str) -> str:
        """The metric's or resource's type that the filter asks for."""
        found = _FILTERED.findall(self.expression)
        return next((value for kind, value in found if kind == what), "")

    def labels_of(self, what: str) -> dict[str, str]:
        """The labels that the filter holds fast."""
        found = _FILTERED_LABEL.findall(self.expression)
        return {name: value for kind, name, value in found if kind == what}


def _strings(raw: msgspec.Raw, names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        inner = strict_json.decode(raw, dict[str, msgspec.Raw], "the condition")
    except BadMessage:
        return ()
    return tuple(found for name in names for found in _strings_of(inner, name))


def _strings_of(values: Mapping[str, msgspec.Raw], name: str) -> tuple[str, ...]:
    if name not in values:
        return ()
    try:
        return (strict_json.decode(values[name], str, name),)
    except BadMessage:
        return ()
