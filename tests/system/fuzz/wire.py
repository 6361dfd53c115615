"""Writes bytes to an ingest API and reads its answers, without an HTTP client in between."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from typing import Final

from tests.system.fuzz.case import GENTLE_SECONDS, Case

RESET: Final = struct.pack("ii", 1, 0)
FINAL_WAIT_SECONDS: Final = 30.0


class BadAnswerError(Exception):
    """The API wrote something that is not an HTTP answer, or nothing for too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the ingest API."""

    status: int
    headers: dict[str, str]
    body: bytes
    closes: bool


class Connection:
    """A connection to an ingest API on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=GENTLE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    def write(self, case: Case) -> None:
        """Write the chunks; an API that no longer reads is no error, its answer counts."""
        with contextlib.suppress(ConnectionError):
            for number, chunk in enumerate(case.sends):
                if number and case.gap_seconds:
                    time.sleep(case.gap_seconds)
                self._socket.sendall(chunk)

    def end_writing(self) -> None:
        """Close the sending side."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self, *, reset: bool = True) -> None:
        """Close at once; a reset leaves no port waiting."""
        with contextlib.suppress(OSError):
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._socket.close()

    def answer(self, *, seconds: float, head: bool = False) -> Answer | None:
        """The next answer; None if the connection ended before it.

        Raises:
            TimeoutError: nothing came for *seconds*.
            BadAnswerError: it is cut off, or no answer.
        """
        self._socket.settimeout(seconds)
        while True:
            top = self._until_blank_line()
            if top is None:
                return None
            version, status, headers = _parsed(top)
            if status >= 200:
                break
        has_body = not head and status not in (204, 304)
        body = self._exactly(int(headers.get("content-length", "0"))) if has_body else b""
        usual = "close" if version == "HTTP/1.0" else "keep-alive"
        closes = headers.get("connection", usual).lower() == "close"
        return Answer(status, headers, body, closes)

    def _until_blank_line(self) -> bytes | None:
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                if self._read:
                    raise BadAnswerError(f"an answer is cut off: {self._read[:80]!r}")
                return None
        top, _, self._read = self._read.partition(b"\r\n\r\n")
        return top

    def _exactly(self, size: int) -> bytes:
        while len(self._read) < size:
            if not self._more():
                raise BadAnswerError(f"{len(self._read)} of {size} bytes of a body came")
        body, self._read = self._read[:size], self._read[size:]
        return body

    def _more(self) -> bool:
        try:
            got = self._socket.recv(1 << 20)
        except ConnectionError:
            got = b""
        self._read += got
        return bool(got)


def _parsed(top: bytes) -> tuple[str, int, dict[str, str]]:
    first, *lines = top.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not rest[:3].isdigit():
        raise BadAnswerError(f"not an HTTP answer: {first[:80]!r}")
    pairs = [line.partition(":") for line in lines]
    if not all(colon for _, colon, _ in pairs):
        raise BadAnswerError(f"not a header: {lines!r}")
    return version, int(rest[:3]), {name.lower(): value.strip() for name, _, value in pairs}


def talk(connection: Connection, case: Case) -> list[Answer]:
    """Write *case* and read what comes, until all answers came or time is up.

    Raises:
        TimeoutError: even with the sending side closed nothing came.
        BadAnswerError: what came is not an answer.
    """
    connection.write(case)
    answers: list[Answer] = []
    if case.leave:
        return answers
    if not case.wait_seconds:
        connection.end_writing()
    wait_seconds = case.wait_seconds or FINAL_WAIT_SECONDS
    while len(answers) < case.answers:
        try:
            answer = connection.answer(seconds=wait_seconds, head=case.head)
        except TimeoutError:
            if wait_seconds in (GENTLE_SECONDS, FINAL_WAIT_SECONDS):
                raise
            connection.end_writing()
            wait_seconds = FINAL_WAIT_SECONDS
            continue
        if answer is None:
            break
        answers.append(answer)
        if answer.closes:
            break
    return answers
