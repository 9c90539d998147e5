"""The one error of the simulated Cloud Run: a gRPC status the caller is to see."""

from __future__ import annotations

import grpc


class CloudRunError(Exception):
    """A call is answered with this status and message."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> CloudRunError:
    """The request itself is wrong; sending it again cannot help."""
    return CloudRunError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> CloudRunError:
    """What the request names does not exist."""
    return CloudRunError(grpc.StatusCode.NOT_FOUND, message)
