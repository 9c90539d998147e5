"""What the commands share: where to print, how to fail, and which store and policy to use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from shared.bootstrap import Application
    from shared.domain.policy import Policy

out: Final = Console(highlight=False, emoji=False)
err: Final = Console(stderr=True, highlight=False, emoji=False)

LOCAL_STORE: Final = Path(".switchman/switchman.sqlite3")
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", help="The policy file; default the shipped one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def fail(text: str, code: int = 2) -> NoReturn:
    """Say what is wrong, on standard error, and exit: 2 for usage and set-up, 1 for "no"."""
    err.print(text, markup=False, soft_wrap=True, style="red")
    raise typer.Exit(code)


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def load_policy(path: Path | None) -> Policy:
    """The policy; every fault of it ends the command."""
    from shared.config import SettingsError, policy_path
    from shared.policy import PolicyError, load

    try:
        return load(path or policy_path(os.environ))
    except (PolicyError, SettingsError, OSError) as error:
        fail(str(error))


def application() -> Application:
    """The application of the environment; without SWITCHMAN_STORE that of `make run`, if any.

    Raises `Misconfigured`; `main` says what is wrong.
    """
    from shared import bootstrap

    if "SWITCHMAN_STORE" not in os.environ:
        if not LOCAL_STORE.exists():
            fail(
                f"There is no store: run this in the folder of `make run` (it looks for {LOCAL_STORE}),"
                " or set SWITCHMAN_STORE=sqlite://$PWD/DATA/switchman.sqlite3"
                " or firestore://PROJECT/DATABASE"
            )
        os.environ["SWITCHMAN_STORE"] = f"sqlite:///{LOCAL_STORE.resolve()}"
    _reach_the_simulated_cloud_run()
    switchman = bootstrap.application()
    sqlite = switchman.settings.sqlite
    if sqlite is not None and not sqlite.exists():
        fail(f"SWITCHMAN_STORE: there is no file {sqlite}")
    return switchman


def _reach_the_simulated_cloud_run() -> None:
    """Where the store is that of a one-machine world, Cloud Run and the data are the world's too.

    The world leaves the address beside its store for as long as it runs.
    """
    from shared.config import CLOUD_RUN_ADDRESS, SNAPSHOTS

    scheme, _, path = os.environ["SWITCHMAN_STORE"].partition("://")
    address = Path(path).with_name(CLOUD_RUN_ADDRESS)
    if scheme == "sqlite" and address.is_file():
        os.environ.setdefault("SWITCHMAN_CLOUD_RUN_ENDPOINT", address.read_text().strip())
    snapshots = Path(path).with_name(SNAPSHOTS)
    if scheme == "sqlite" and snapshots.is_dir():
        os.environ.setdefault("SWITCHMAN_SNAPSHOTS", str(snapshots.resolve()))
