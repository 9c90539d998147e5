"""The policy file's JSON Schema, by which editors complete keys and mark what is wrong."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from shared.policy.schema import PolicyFile

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of the whole file, made from the structs that read it."""
    made = msgspec.json.schema(PolicyFile)
    return {"$schema": DIALECT, "title": "A policy of Switchman", **made}


def schema_text() -> str:
    """The schema as the file in the repository has it."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
