"""The eight functions, loaded as the functions framework loads them when deployed."""

from __future__ import annotations

from pathlib import Path
from wsgiref.types import WSGIApplication

import functions_framework

MAIN = Path(__file__).resolve().parents[2] / "main.py"
NAMES = ("act", "command", "drill", "ingest", "respond", "slack", "status", "tick")


def function_apps() -> dict[str, WSGIApplication]:
    """Each function's WSGI application under its name."""
    return {name: _app(name) for name in NAMES}


def _app(name: str) -> WSGIApplication:
    app: WSGIApplication = functions_framework.create_app(name, str(MAIN))  # type: ignore[no-untyped-call]
    return app
