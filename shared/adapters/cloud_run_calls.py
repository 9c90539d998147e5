"""The calls of Cloud Run's API that Switchman makes, and what each one needs.

Permissions: https://cloud.google.com/run/docs/reference/iam/permissions. A change also needs
`iam.serviceAccounts.actAs` on the account that the service runs as:
https://cloud.google.com/run/docs/reference/iam/roles#additional-configuration.
"""

from __future__ import annotations

from typing import Final

from shared.adapters.google_errors import Call

_READER: Final = "roles/run.viewer"
_DEVELOPER: Final = "roles/run.developer"


def looking_at(resource: str) -> Call:
    """Services.GetService."""
    return _call("looking at", resource, "run.services.get", _READER)


def listing_revisions_of(resource: str) -> Call:
    """Revisions.ListRevisions."""
    return _call("listing the revisions of", resource, "run.revisions.list", _READER)


def changing(resource: str, *, dry_run: bool) -> Call:
    """Services.UpdateService; a dry run asks for the same permissions, and is never in doubt."""
    what = "trying a change of the traffic of" if dry_run else "changing the traffic of"
    return _call(what, resource, "run.services.update", _DEVELOPER, changes=not dry_run)


def _call(what: str, resource: str, permission: str, role: str, *, changes: bool = False) -> Call:
    _, project, _, region, _, service = (resource.split("/") + [""] * 6)[:6]
    command = (
        f"gcloud run services add-iam-policy-binding {service} --project={project} "
        f"--region={region} --member=serviceAccount:ACCOUNT --role={role}"
    )
    return Call(f"{what} {service}", permission, command, changes)
