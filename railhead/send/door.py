"""What did the door say? One HTTP connection, one answer a request; silence is an answer too."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

BULK_PATH: Final = "/api/v1/integrations/fasttrack/bulk"
UNREACHABLE: Final = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status (`UNREACHABLE` when there was none), what the door said, and when to come again."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    retry_after_seconds: float | None = None

    def reason(self) -> str:
        """Say in a few words what was wrong."""
        if self.status == UNREACHABLE:
            return self.text
        return f"{self.status} {self.body.get('message') or self.text[:200]}".rstrip()


def default_url() -> str:
    """Return where the door listens by its settings, as it is reached from this machine."""
    host = os.environ.get("RAILHEAD_HTTP_HOST") or "127.0.0.1"
    # An address to listen on everywhere is none to connect to.
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{host}:{os.environ.get('RAILHEAD_HTTP_PORT') or '8080'}"


class Door:
    """A door at *url*: a base address, or the whole address of the endpoint.

    Raises:
        ValueError: *url* is not an http or https address.
    """

    def __init__(self, url: str, key: str, *, timeout_seconds: float = 60.0) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = f"{url} is not an http or https address"
            raise ValueError(msg)
        if parts.scheme == "https":
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname,
                parts.port,
                timeout=timeout_seconds,
                context=ssl.create_default_context(),
            )
        else:
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=timeout_seconds
            )
        path = parts.path.rstrip("/")
        self._path = path if path.endswith(BULK_PATH) else path + BULK_PATH
        self._key = key

    def post(self, body: bytes, *, gzip: bool = False, query: str = "") -> Answer:
        """Post *body* once. Never raises for the network: no answer is `UNREACHABLE`.

        What was posted without an answer may have been stored or not; posting it again is safe.
        """
        headers = {"Content-Type": "application/json", "x-api-key": self._key}
        if gzip:
            headers["Content-Encoding"] = "gzip"
        try:
            self._connection.request("POST", self._path + query, body, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(UNREACHABLE, text=f"no answer: {error or type(error).__name__}")
        return Answer(
            response.status,
            _object(text),
            text.decode("utf-8", "replace"),
            _seconds(response.getheader("Retry-After")),
        )

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def _object(text: bytes) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(header: str | None) -> float | None:
    """Read Retry-After where it is a number; a date would need this clock to be right."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
