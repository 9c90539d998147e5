"""Settings from the environment: read once, frozen, every fault reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

SHIPPED_POLICY = Path(__file__).resolve().parent.parent / "infra" / "policies" / "convex.yaml"
SNAPSHOTS = "snapshots"
"""A one-machine world keeps its data and snapshots beside its store, in a folder of this name."""
CLOUD_RUN_ADDRESS = "cloud_run.address"
"""A one-machine world leaves its Cloud Run's address beside its store, in a file of this name."""
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
SECRET_SCHEME = "secret://"  # noqa: S105 - the scheme of a reference, not a secret


class SettingsError(Exception):
    """Every fault of the environment, one a line, each with what would be right."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Secrets may be `secret://NAME[/VERSION]` and never show.

    `project` is where secrets are kept. `sqlite` is a file, `firestore` (project, database);
    exactly one is set. `pubsub` is a project, None for the embedded bus. `last_resort` are URLs,
    or references to secrets that hold some. `prometheus` is the address before `/api/v1`.
    `snapshots` is the folder that has one for each stack. `url` is where people reach the status
    pages, before `/status`.
    The last four point at simulators instead of vendors.
    """

    policy: Path
    project: str = ""
    sqlite: Path | None = None
    firestore: tuple[str, str] | None = None
    pubsub: str | None = None
    ingest_tokens: tuple[str, ...] = field(default=(), repr=False)
    last_resort: tuple[str, ...] = field(default=(), repr=False)
    slack_signing_secret: str = field(default="", repr=False)
    slack_bot_token: str = field(default="", repr=False)
    prometheus: str = ""
    prometheus_token: str = field(default="", repr=False)
    snapshots: Path | None = None
    url: str = ""
    cloud_run_endpoint: str = ""
    slack_api_url: str = ""
    secret_manager_endpoint: str = ""
    identity_certs_url: str = ""

    @classmethod
    def for_last_resort(cls, env: Mapping[str, str]) -> Settings:
        """Only what the last resort needs, whatever else is wrong with `env`."""
        return cls(
            policy=SHIPPED_POLICY,
            project=env.get("GOOGLE_CLOUD_PROJECT", ""),
            last_resort=urls_in(env.get("SWITCHMAN_LAST_RESORT", "")),
            secret_manager_endpoint=env.get("SWITCHMAN_SECRET_MANAGER_ENDPOINT", ""),
        )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """The settings in `env`. Raises `SettingsError` with every fault at once."""
        faults: list[str] = []
        sqlite, firestore = _store(env.get("SWITCHMAN_STORE", ""), faults)
        settings = cls(
            project=env.get("GOOGLE_CLOUD_PROJECT", ""),
            policy=_policy(env.get("SWITCHMAN_POLICY", ""), faults),
            sqlite=sqlite,
            firestore=firestore,
            pubsub=_bus(env.get("SWITCHMAN_BUS", "embedded"), faults),
            ingest_tokens=_tokens(env.get("SWITCHMAN_INGEST_TOKEN", ""), faults),
            last_resort=_last_resort(env.get("SWITCHMAN_LAST_RESORT", ""), faults),
            slack_signing_secret=env.get("SLACK_SIGNING_SECRET", ""),
            slack_bot_token=env.get("SLACK_BOT_TOKEN", ""),
            prometheus=_http("SWITCHMAN_PROMETHEUS", env, faults),
            prometheus_token=env.get("SWITCHMAN_PROMETHEUS_TOKEN", ""),
            snapshots=_folder("SWITCHMAN_SNAPSHOTS", env, faults),
            url=_http("SWITCHMAN_URL", env, faults).rstrip("/"),
            cloud_run_endpoint=_endpoint("SWITCHMAN_CLOUD_RUN_ENDPOINT", env, faults),
            slack_api_url=_http("SLACK_API_URL", env, faults),
            secret_manager_endpoint=_endpoint("SWITCHMAN_SECRET_MANAGER_ENDPOINT", env, faults),
            identity_certs_url=_here("SWITCHMAN_IDENTITY_CERTS_URL", env, faults),
        )
        if settings.prometheus_token and not settings.prometheus:
            faults.append(
                "SWITCHMAN_PROMETHEUS_TOKEN is for nobody: set SWITCHMAN_PROMETHEUS to the address "
                "that is asked, or leave the token out"
            )
        if settings.pubsub is None and settings.firestore is not None:
            faults.append(
                "SWITCHMAN_BUS: the embedded bus lives in the SQLite store; with firestore:// "
                "set SWITCHMAN_BUS=pubsub://PROJECT"
            )
        if faults:
            raise SettingsError(tuple(faults))
        return settings


def _split(value: str) -> SplitResult:
    """The parts of a URL; none of what is no URL at all."""
    try:
        return urlsplit(value)
    except ValueError:
        return SplitResult("", "", "", "", "")


def policy_path(env: Mapping[str, str]) -> Path:
    """The policy file of `SWITCHMAN_POLICY`, or the shipped one. Raises `SettingsError`."""
    faults: list[str] = []
    path = _policy(env.get("SWITCHMAN_POLICY", ""), faults)
    if faults:
        raise SettingsError(tuple(faults))
    return path


def _policy(value: str, faults: list[str]) -> Path:
    path = Path(value) if value else SHIPPED_POLICY
    if not path.is_file():
        faults.append(f"SWITCHMAN_POLICY: there is no file {path}; name a policy file")
    return path


def _store(value: str, faults: list[str]) -> tuple[Path | None, tuple[str, str] | None]:
    url = _split(value)
    if url.scheme == "sqlite" and url.path.strip("/"):
        return Path(url.netloc + url.path), None
    if url.scheme == "firestore" and url.netloc:
        return None, (url.netloc, url.path.strip("/") or "(default)")
    said = "is not set" if not value else f"{value!r} is no store"
    faults.append(
        f"SWITCHMAN_STORE {said}; set sqlite:///path/to/file or firestore://PROJECT/DATABASE"
    )
    return None, None


def _bus(value: str, faults: list[str]) -> str | None:
    if value == "embedded":
        return None
    url = _split(value)
    if url.scheme == "pubsub" and url.netloc:
        return url.netloc
    faults.append(f"SWITCHMAN_BUS: {value!r} is no bus; set embedded or pubsub://PROJECT")
    return None


def tokens_in(value: str) -> tuple[str, ...]:
    """One token, or two while they are being rotated, separated by white space or a comma."""
    return tuple(value.replace(",", " ").split())


def _tokens(value: str, faults: list[str]) -> tuple[str, ...]:
    tokens = tokens_in(value)
    if len(tokens) > 2:
        faults.append(
            f"SWITCHMAN_INGEST_TOKEN holds {len(tokens)} tokens; set one, or two for a rotation"
        )
    return tokens


def urls_in(value: str) -> tuple[str, ...]:
    """The URLs of the last resort, separated by white space."""
    return tuple(value.split())


def is_way_out(url: str) -> bool:
    """Whether something may be sent there: by https, on this machine, or as apprise knows."""
    parts = _split(url)
    if parts.scheme in ("http", "https"):
        local = parts.hostname in _THIS_MACHINE
        return bool(parts.hostname) and (local or parts.scheme == "https")
    return bool(parts.scheme) and url.partition("://")[2] != ""


def _last_resort(value: str, faults: list[str]) -> tuple[str, ...]:
    urls = urls_in(value)
    for number, url in enumerate(urls, start=1):
        if not is_way_out(url):
            faults.append(
                f"SWITCHMAN_LAST_RESORT: entry {number} of {len(urls)} is no URL to send to; set "
                "https://... of a webhook, an apprise URL, or secret://NAME"
            )
    return urls


def _folder(name: str, env: Mapping[str, str], faults: list[str]) -> Path | None:
    value = env.get(name, "")
    if value and not Path(value).is_dir():
        faults.append(f"{name}: there is no folder {value}; name one, or leave it out")
    return Path(value) if value else None


def _endpoint(name: str, env: Mapping[str, str], faults: list[str]) -> str:
    value = env.get(name, "")
    host, _, port = value.rpartition(":")
    if value and not (host and port.isdecimal()):
        faults.append(f"{name}: {value!r} is no address; set HOST:PORT, or leave it out")
    return value


def _http(name: str, env: Mapping[str, str], faults: list[str]) -> str:
    value = env.get(name, "")
    if value and _split(value).scheme not in ("http", "https"):
        faults.append(
            f"{name}: {value!r} is no URL; set http://... or https://..., or leave it out"
        )
    return value


def _here(name: str, env: Mapping[str, str], faults: list[str]) -> str:
    """Whoever could name another place would be believed to be anybody."""
    value = env.get(name, "")
    if value and _split(value).hostname not in _THIS_MACHINE:
        faults.append(
            f"{name}: only a simulator on this machine may stand for Google; leave it out"
        )
    return value
