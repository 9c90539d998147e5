"""The page for people: plain files beside this module, served as they are."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from infra.local.slack.errors import RequestError
from infra.local.slack.http import Request, Response

_FOLDER = Path(__file__).with_name("page")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Page:
    """Serves the page's files, and nothing else."""

    def __init__(self) -> None:
        self._files: Mapping[str, Path] = {
            path.name: path for path in _FOLDER.iterdir() if path.suffix in _TYPES
        }

    def index(self, request: Request) -> Response:
        """The page itself."""
        return self._serve("index.html")

    def asset(self, request: Request, name: str) -> Response:
        """A script or a style sheet of the page."""
        return self._serve(name)

    def permalink(self, request: Request, place: str) -> Response:
        """Leads from a message's permalink (`CHANNEL/pMICROS`) to the message on the page."""
        location = f"/sim/slack#{quote(place)}"
        return Response(302, b"", "text/plain; charset=utf-8", {"Location": location})

    def _serve(self, name: str) -> Response:
        path = self._files.get(name)
        if path is None:
            raise RequestError(404, f"the page has no file {name!r}")
        headers = {"Content-Security-Policy": _POLICY}
        return Response(200, path.read_bytes(), _TYPES[path.suffix], headers)
