"""What Cloud Run functions loads: the entry points, and nothing else."""

from functions.act import act
from functions.command import command
from functions.drill import drill
from functions.ingest import ingest
from functions.respond import respond
from functions.slack import slack
from functions.status import status
from functions.tick import tick

__all__ = ["act", "command", "drill", "ingest", "respond", "slack", "status", "tick"]
