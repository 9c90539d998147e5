"""`switchman lint` and `switchman classify`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from shared.cli.common import PolicyOption, err, fail, load_policy, out

if TYPE_CHECKING:
    from shared.domain.policy import Policy

_FORMATS: Final = "; docs/connect.md shows what senders send"


def lint(
    policy: Annotated[
        Path | None, typer.Argument(help="The file; default SWITCHMAN_POLICY or the shipped one.")
    ] = None,
) -> None:
    """Check a policy file: each fault as file:line, what is wrong, what would be right."""
    from shared.config import SettingsError, policy_path
    from shared.policy import lint as linted
    from shared.policy import load

    try:
        path = policy or policy_path(os.environ)
    except SettingsError as error:
        fail(str(error))
    if not path.exists():
        fail(f"{path}: there is no such file")
    found = linted(path, datetime.now(UTC))
    for fault in found.faults:
        err.print(str(fault), markup=False, soft_wrap=True)
    if found.waiting:
        err.print(f"Rules that wait until these are mended: {len(found.waiting)}.", soft_wrap=True)
    if found.faults:
        raise typer.Exit(1)
    loaded = load(path)
    routes = "1 route" if len(loaded.routes) == 1 else f"{len(loaded.routes)} routes"
    out.print(f"{loaded.name or 'The policy'} is fine: {routes}.")


def classify(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Alerts; - is standard input.")],
    policy: PolicyOption = None,
) -> None:
    """Say for each alert which lane it belongs to and why: one JSON object a line."""
    from shared.domain.errors import BadMessage

    loaded = load_policy(policy)
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        if not body.strip():
            fail(f"{file}: there is nothing in it{_FORMATS}")
        for line in _classified(loaded, body):
            print(json.dumps(line, ensure_ascii=False))
    except OSError as error:
        fail(f"{file}: {error.strerror}{_FORMATS}")
    except BadMessage as error:
        fail(f"{file}: {error}{_FORMATS}")


def _classified(loaded: Policy, body: bytes) -> Iterator[dict[str, Any]]:
    from shared.domain.classify import classify as to_lane
    from shared.wire import alerts

    for document in alerts.documents(body):
        for alert in alerts.parse_any(document, ""):
            found = asdict(to_lane(loaded, alert))
            yield {"alert": alert.title, "status": alert.status.value} | found
