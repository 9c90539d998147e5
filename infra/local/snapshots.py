"""The one-machine world's data: a small file for each stack that has snapshots, and one snapshot."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from shared.adapters.folder_snapshots import FORMAT
from shared.domain.policy import Policy

FIRST = "known-good"
_GOOD = b'{"table": "runs", "id": 1, "state": "complete"}\n'
_NOW = b'{"table": "runs", "id": 1, "state": "???"}\n'


def stock(root: Path, policy: Policy) -> None:
    """Give each stack whose policy names snapshots some data, unless it has any."""
    for stack in policy.stacks.values():
        folder = root / stack.id
        if stack.data is None or (folder / "live").exists():
            continue
        (folder / "snapshots").mkdir(parents=True, exist_ok=True)
        (folder / "snapshots" / FIRST).write_bytes(_GOOD)
        manifest = {
            "format": FORMAT,
            "sha256": hashlib.sha256(_GOOD).hexdigest(),
            "size": len(_GOOD),
            "taken_at": datetime.now(UTC).isoformat(),
        }
        (folder / "snapshots" / f"{FIRST}.json").write_text(json.dumps(manifest))
        (folder / "live").write_bytes(_NOW)
