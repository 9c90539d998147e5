"""Names, suffixes and etags in Cloud Run's forms."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import string

from google.protobuf.timestamp_pb2 import Timestamp

from infra.local.cloud_run.errors import invalid
from infra.local.cloud_run.model import Service

_LOCATION = re.compile(r"projects/([^/]+)/locations/([^/]+)")
_SERVICE = re.compile(r"projects/([^/]+)/locations/([^/]+)/services/([^/]+)")
_REVISION = re.compile(r"projects/([^/]+)/locations/([^/]+)/services/([^/]+)/revisions/([^/]+)")


def parse_location(name: str) -> tuple[str, str]:
    """Project and region of ``projects/P/locations/L``."""
    project, region = _parse(_LOCATION, name, "projects/PROJECT/locations/REGION")
    return project, region


def parse_service(name: str) -> tuple[str, str, str]:
    """Project, region and short name of ``projects/P/locations/L/services/S``."""
    form = "projects/PROJECT/locations/REGION/services/SERVICE"
    project, region, service = _parse(_SERVICE, name, form)
    return project, region, service


def parse_revision(name: str) -> tuple[str, str, str, str]:
    """Project, region, service and short name of a revision's full name."""
    form = "projects/PROJECT/locations/REGION/services/SERVICE/revisions/REVISION"
    project, region, service, revision = _parse(_REVISION, name, form)
    return project, region, service, revision


def _parse(pattern: re.Pattern[str], name: str, form: str) -> tuple[str, ...]:
    found = pattern.fullmatch(name)
    if found is None:
        raise invalid(f"name: '{name}' does not have the form {form}.")
    return found.groups()


def revision_name(service: str, number: int, suffix: str = "") -> str:
    """``SERVICE-00011-v4r``; without a suffix the number decides it, the same each time."""
    seeded = random.Random(f"{service}/{number}")
    drawn = "".join(seeded.choices(string.ascii_lowercase + string.digits, k=3))
    return f"{service}-{number:05d}-{suffix or drawn}"


def image_of(project: str, region: str, revision: str) -> str:
    """An image reference by digest that belongs to this revision alone."""
    digest = hashlib.sha256(revision.encode()).hexdigest()
    service = revision.rsplit("-", 2)[0]
    return f"{region}-docker.pkg.dev/{project}/services/{service}@sha256:{digest}"


def timestamp(seconds: float) -> Timestamp:
    """A protobuf timestamp, to the microsecond."""
    stamp = Timestamp()
    stamp.FromMicroseconds(round(seconds * 1_000_000))
    return stamp


def etag_of(service: Service) -> str:
    """The etag in the real one's form: quoted, the update time and the name in base64."""
    time_part = _base64(timestamp(service.updated_at).SerializeToString())
    return f'"{time_part}/{_base64(service.full_name.encode())}"'


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
