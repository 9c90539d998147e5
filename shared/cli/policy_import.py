"""`switchman policy from-alertmanager`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.cli.common import err, fail


def from_alertmanager(
    file: Annotated[Path, typer.Argument(metavar="alertmanager.yml", help="Its configuration.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write it; default the terminal.")
    ] = None,
) -> None:
    """Make a policy to start from out of Alertmanager's routing tree and receivers.

    What could not be carried over is said on standard error and in comments, with its line.
    """
    from shared.policy import PolicyError
    from shared.policy.importing.tree import read
    from shared.policy.importing.write import policy_text

    try:
        imported = read(file.read_text(encoding="utf-8"), str(file))
    except (PolicyError, OSError, UnicodeDecodeError) as error:
        fail(str(error))
    text = policy_text(imported)
    if output is None:
        print(text, end="")
    else:
        try:
            with output.open("x", encoding="utf-8") as written:
                written.write(text)
        except OSError as error:
            fail(f"{output}: {error.strerror}; name a file that is not there yet")
    for note in imported.notes:
        err.print(str(note), markup=False, soft_wrap=True)
