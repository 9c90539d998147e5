"""`switchman policy`: trying a policy out before it decides anything."""

from __future__ import annotations

import typer

from shared.cli.policy_cases import run_cases
from shared.cli.policy_diff import diff
from shared.cli.policy_import import from_alertmanager

app = typer.Typer(no_args_is_help=True)


def schema() -> None:
    """Print the JSON Schema of policy files, for editors."""
    from shared.policy.json_schema import schema_text

    print(schema_text(), end="")


app.command("test", epilog="Example: switchman policy test infra/policies/convex.yaml")(run_cases)
app.command(
    epilog="Example: switchman policy diff old.yaml new.yaml --on recorded.jsonl",
)(diff)
app.command(
    epilog="Example: switchman policy from-alertmanager alertmanager.yml -o policy.yaml",
)(from_alertmanager)
app.command("schema", epilog="Example: switchman policy schema > policy.schema.json")(schema)
