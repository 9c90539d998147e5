"""Alerts without secrets and without anything that names a person.

What is taken out is numbered in the order in which it is met: what was equal stays equal, the same
alerts give the same recording, and no number tells what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from shared.domain.alert import TARGET_LABELS, Alert
from shared.domain.secrets import SAID, SHAPES, TELLING_NAME

_SECRETLY_NAMED: Final = re.compile(rf"(?i){TELLING_NAME}")
_PERSONALLY_NAMED: Final = re.compile(
    r"(?i)(.*[_-])?(e-?mail|user(_?name)?|login|owner|author|assignee|caller|customer|phone|person)"
    r"([_-]?(id|name|e-?mail))?"
)
_BEARER: Final = re.compile(r"(?i)\b(?:bearer|basic)\s+[a-z0-9+/_.=|:-]{12,}")
_EMAIL: Final = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_IP: Final = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"
    r"|(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"
    r"|(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){1,6}:(?:[0-9a-fA-F]{1,4}:?){0,6}(?![\w:])"
)
_NUMBERED: Final = re.compile(r"\[(?:secret|email|ip|person|series)-\d+\]")


class Redaction:
    """One recording's worth of it: `alert` after `alert`, with the same numbers."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def alert(self, alert: Alert) -> Alert:
        """The alert as it may be shown to others. Its names and services stay what they are."""
        return replace(
            alert,
            fingerprint=self._number("series", alert.source + " " + alert.fingerprint),
            name=self._shapes(alert.name),
            policy_name=self._shapes(alert.policy_name),
            condition_name=self._shapes(alert.condition_name),
            expression=self._shapes(alert.expression),
            summary=self._text(alert.summary),
            labels=self._texts(alert.labels),
            annotations=self._texts(alert.annotations),
            metric_labels=self._texts(alert.metric_labels),
            resource_labels=self._texts(alert.resource_labels),
            url=self._url(alert.url),
        )

    def _texts(self, values: Mapping[str, str]) -> dict[str, str]:
        return {name: self._named(name, value) for name, value in values.items()}

    def _named(self, name: str, value: str) -> str:
        """A value by its name; labels that say what an alert is about name secrets, and hold none."""
        if not value or name in TARGET_LABELS or name == "alertname":
            return self._shapes(value)
        if _SECRETLY_NAMED.fullmatch(name):
            return self._number("secret", value)
        if _PERSONALLY_NAMED.fullmatch(name):
            return self._number("person", value)
        return self._text(value)

    def _text(self, value: str) -> str:
        """Free text, in which a secret may be said by its name."""
        value = SAID.sub(lambda found: found[1] + self._number("secret", found[0]), value)
        return self._shapes(value)

    def _shapes(self, value: str) -> str:
        """What shows by itself."""
        for shape in (_BEARER, *SHAPES):
            value = shape.sub(lambda found: self._number("secret", found[0]), value)
        value = _EMAIL.sub(lambda found: self._number("email", found[0].casefold()), value)
        return _IP.sub(lambda found: self._number("ip", found[0]), value)

    def _url(self, url: str) -> str:
        """Without who asks and what is asked: a query may hold anything."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return ""
        host = parts.netloc.rpartition("@")[2]
        return self._shapes(urlunsplit((parts.scheme, host, parts.path, "", "")))

    def _number(self, kind: str, value: str) -> str:
        if _NUMBERED.fullmatch(value):
            return value
        if (kind, value) not in self._numbers:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._numbers[kind, value] = self._counts[kind]
        return f"[{kind}-{self._numbers[kind, value]}]"
