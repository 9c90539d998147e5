"""Writes infra/policies/policy.schema.json; with --check, says whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.policy.json_schema import schema_text

FILE = Path(__file__).resolve().parent.parent / "infra" / "policies" / "policy.schema.json"


def main() -> int:
    """Write the schema, or compare it."""
    wanted = schema_text()
    if "--check" not in sys.argv[1:]:
        FILE.write_text(wanted, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{FILE.name} is not what the policy's structs say: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
