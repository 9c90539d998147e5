"""`switchman local`."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.common import fail, out


def local(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The one port everything is served on.")
    ] = 8080,
    data: Annotated[Path, typer.Option(help="Where the state lives.")] = Path(".switchman"),
    scenario: Annotated[
        str, typer.Option(help="What to play; `none` plays nothing, `empty` does not even deploy.")
    ] = "bad-revision",
    approve_after: Annotated[
        float,
        typer.Option(help="Seconds a person has to press Approve before it is pressed for them."),
    ] = 60.0,
) -> None:
    """Start the one-machine world and stay up until stopped."""
    from infra.local.serve import serve
    from shared.config import SettingsError

    try:
        say = partial(out.print, soft_wrap=True)
        serve(port, data, scenario, timedelta(seconds=approve_after), say)
    except (SettingsError, ValueError) as error:
        fail(str(error))
