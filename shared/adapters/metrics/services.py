"""Cloud Run services by their resource names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import Refused

_NAME: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/services/([^/]+)")
_PLAIN: Final = re.compile(r"[a-z0-9.:-]+")


@dataclass(frozen=True, slots=True)
class RunRevision:
    """One revision, by the labels that its metrics carry."""

    project: str
    region: str
    service: str
    revision: str


def run_revision(resource: str, revision: str) -> RunRevision:
    """The revision of the service `projects/P/locations/R/services/S`.

    Every part is safe inside the quotes of a query: Cloud Run's names have no other characters.

    Raises:
        Refused: These are no names of Cloud Run.
    """
    found = _NAME.fullmatch(resource)
    parts = (*found.groups(), revision) if found else ()
    if not parts or not all(_PLAIN.fullmatch(part) for part in parts):
        raise Refused(f"{resource!r} and {revision!r} name no revision of a Cloud Run service")
    return RunRevision(*parts)
