"""Google's sign-in on one machine: it signs identity tokens, and serves the certificate for them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from shared.adapters.google_identity import GCLOUD

KEY_ID: Final = "key-1"


class Key:
    """A key, and the certificate that says whose it is."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sign-in")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with these claims."""
        private = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        signer = crypt.RSASigner.from_string(private, KEY_ID)  # type: ignore[no-untyped-call]
        token: bytes = jwt.encode(signer, claims)  # type: ignore[no-untyped-call]
        return token.decode()


@dataclass(frozen=True, slots=True)
class GoogleAccounts:
    """Where the certificate is served, and the key that it is for."""

    certs_url: str
    key: Key

    def token(self, email: str = "ines@example.com", **other: Any) -> str:
        """What gcloud would print for this account, valid for an hour, but for these claims."""
        return self.key.sign(claims(email, **other))


def claims(email: str, **other: Any) -> dict[str, Any]:
    """What an identity token says that gcloud made for this account just now."""
    now = int(time.time())
    usual = {
        "iss": "https://accounts.google.com",
        "aud": GCLOUD,
        "email": email,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    return usual | other


@contextmanager
def google_accounts() -> Iterator[GoogleAccounts]:
    """Serves the certificate until the block ends."""
    key = Key()

    class Certificates(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({KEY_ID: key.pem}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = HTTPServer(("127.0.0.1", 0), Certificates)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield GoogleAccounts(f"http://127.0.0.1:{server.server_address[1]}/certs", key)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
