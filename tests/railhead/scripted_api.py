"""A fake ingest API: a local HTTP server that answers by a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from ingest_http.body.decompress import DECODERS


class Step(NamedTuple):
    """One answer; status 0 closes the connection without one."""

    status: int
    body: dict[str, Any] | None = None
    retry_after: str = ""


class ScriptedApi(ThreadingHTTPServer):
    """Answers by `script`, with 204 after its end; keeps what it received."""

    def __init__(self, script: list[Step]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def items(self) -> list[Any]:
        """Every item of every body, in order of arrival."""
        return [item for body in self.bodies for item in json.loads(body)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedApi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        make_decoder = DECODERS[self.headers.get("Content-Encoding", "")]
        if make_decoder is not None:
            decoder = make_decoder()
            body = b"".join(decoder.feed(body))
            decoder.end()
        self.server.bodies.append(body)
        self.server.headers.append(dict(self.headers))
        self.server.paths.append(self.path)
        step = self.server.script.pop(0) if self.server.script else Step(204)
        if step.status == 0:
            self.close_connection = True
            return
        self._answer(step)

    def _answer(self, step: Step) -> None:
        text = json.dumps(step.body).encode() if step.body is not None else b""
        self.send_response(step.status)
        if step.retry_after:
            self.send_header("Retry-After", step.retry_after)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scripted_api(*script: Step) -> Iterator[ScriptedApi]:
    """Run a fake ingest API that answers by *script*."""
    api = ScriptedApi(list(script))
    thread = threading.Thread(target=api.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield api
    finally:
        api.shutdown()
        thread.join()
        api.server_close()
