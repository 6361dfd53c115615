"""One HTTP connection to the ingest API, one answer for each request; silence is an answer too."""

from __future__ import annotations

import http.client
import json
import select
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

BULK_PATH: Final = "/api/v1/integrations/fasttrack/bulk"
HEALTH_PATH: Final = "/health/live"
UNREACHABLE: Final = 0
ASK_EVERY_SECONDS: Final = 0.5
# For an API that hangs, or a wrong address.
FIRST_ANSWER_SECONDS: Final = 8.0
CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A status (`UNREACHABLE` when there was none), the body, and when to try again."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    retry_after_seconds: float | None = None

    def reason(self) -> str:
        """Say in a few words what was wrong."""
        if self.status == UNREACHABLE:
            return self.text
        return f"{self.status} {self.body.get('message') or self.text[:200]}".rstrip()


class ApiConnection:
    """An ingest API at *url*: a base address, or the whole address of the endpoint.

    Raises:
        ValueError: *url* is not an http or https address, or *key* cannot be sent in a header; the
            message does not repeat the key.
    """

    def __init__(self, url: str, key: str, *, timeout_seconds: float = 60.0) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = f"{url} is not an http or https address"
            raise ValueError(msg)
        if not (key.isascii() and key.isprintable()):
            msg = "the key has characters that no key has, such as a line end; give it as printed"
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

        What was posted without an answer may have been stored or not; posting it again is safe. An
        answer that comes before all of *body* is sent is read, and the rest is not sent.
        """
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-api-key": self._key,
        }
        if gzip:
            headers["Content-Encoding"] = "gzip"
        chunks = _Chunks(self._connection, body)
        try:
            self._send(self._path + query, chunks, headers)
            response = self._connection.getresponse()
            text = response.read()
            if not chunks.all_sent:
                self._connection.close()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(UNREACHABLE, text=f"no answer: {error or type(error).__name__}")
        return Answer(
            response.status,
            _object(text),
            text.decode("utf-8", "replace"),
            _seconds(response.getheader("Retry-After")),
        )

    def _send(self, path: str, chunks: _Chunks, headers: dict[str, str]) -> None:
        try:
            self._connection.request("POST", path, chunks, headers)
        except ConnectionError:
            # A connection that breaks while we send may have delivered an answer before.
            if self._connection.sock is None:
                raise

    def first_answer(self, *, within_seconds: float) -> Answer:
        """Ask for anything, again while connections are refused; `UNREACHABLE` if nothing answers.

        Any status will do: a proxy may show no more than the endpoint.
        """
        until = time.monotonic() + within_seconds
        while True:
            answer = self._health(max(0.1, until - time.monotonic()))
            if answer.status != UNREACHABLE or time.monotonic() + ASK_EVERY_SECONDS > until:
                return answer
            time.sleep(ASK_EVERY_SECONDS)

    def _health(self, within_seconds: float) -> Answer:
        usual, self._connection.timeout = self._connection.timeout, within_seconds
        try:
            self._connection.request("GET", self._path.removesuffix(BULK_PATH) + HEALTH_PATH)
            response = self._connection.getresponse()
            return Answer(response.status, text=response.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            return Answer(UNREACHABLE, text=str(error) or type(error).__name__)
        finally:
            self._connection.close()
            self._connection.timeout = usual

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Chunks:
    """The chunks of a body, up to the moment an answer arrives."""

    def __init__(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        self._connection = connection
        self._body = body
        self.all_sent = False

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), CHUNK_BYTES):
            if self._is_answered():
                return
            yield self._body[start : start + CHUNK_BYTES]
        self.all_sent = True

    def _is_answered(self) -> bool:
        sock = self._connection.sock
        # TLS has messages of its own to read; there an answer is noticed only after sending.
        if sock is None or isinstance(sock, ssl.SSLSocket):
            return False
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))


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
