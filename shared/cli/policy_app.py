"""`switchman policy`: trying a policy out before it decides anything."""

from __future__ import annotations

import typer

from shared.cli.policy_cases import run_cases

app = typer.Typer(no_args_is_help=True)

app.command("test", epilog="Example: switchman policy test infra/policies/convex.yaml")(run_cases)
