"""The `switchman` command."""

from __future__ import annotations

import typer

from shared.cli.audit import app as audit
from shared.cli.common import err
from shared.cli.drill import app as drill
from shared.cli.incidents import app as incidents
from shared.cli.local import local
from shared.cli.oncall import EXAMPLES, oncall
from shared.cli.policy import classify, lint
from shared.cli.policy_app import app as policy
from shared.cli.rollback import app as rollback
from shared.cli.simulate import simulate
from shared.domain.errors import SwitchmanError

app = typer.Typer(
    name="switchman",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Answers alerts for services on Cloud Run: pages, rolls back, proves the recovery."""


app.command(epilog="Example: switchman local --port 8080 --data .switchman")(local)
app.command(epilog="Example: switchman lint infra/policies/convex.yaml")(lint)
app.command(epilog="Example: switchman classify alerts.jsonl | jq .lane")(classify)
app.command(epilog="Example: switchman simulate docs/examples/bad-revision.jsonl")(simulate)
app.command(epilog=EXAMPLES)(oncall)
app.add_typer(incidents, name="incidents", help="Read and work the incidents of a store.")
app.add_typer(policy, name="policy", help="Try a policy out before it decides anything.")
app.add_typer(rollback, name="rollback", help="Plan, ask for, and decide on rollbacks.")
app.add_typer(audit, name="audit", help="Who told Switchman to do what.")
app.add_typer(drill, name="drill", help="Drills that keep the way back honest.")


def main() -> None:
    """Run the command; what cannot be done as things stand is said without a traceback."""
    try:
        app()
    except SwitchmanError as error:
        err.print(str(error), markup=False, soft_wrap=True, style="red")
        raise SystemExit(2) from None
