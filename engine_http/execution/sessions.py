"""Sessions: settings, database and temporary tables that last from one request to the next.

A session costs nothing until a statement leaves something behind: only then does it get a
connection of its own, which lives until nobody has used the session for its time-out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from engine_http.engine.connection import EngineConnection
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.http.auth import User
from engine_http.http.request import Query

_MAX_SESSIONS = 10_000


class Session:
    """One client's session; one request at a time."""

    def __init__(self) -> None:
        self.connection: EngineConnection | None = None
        self.settings: list[bytes] = []  # its SET statements, to be run again
        # What an analyst has set: an analyst gets no connection that could keep it.
        self.analyst_settings: dict[str, str] = {}
        self.database = ""
        self.expires_at = 0.0
        self._holders = 0
        self._seconds = 0

    @property
    def busy(self) -> bool:
        """Whether a request, or a statement whose client has left, uses it."""
        return self._holders > 0

    def hold(self, seconds: int) -> None:
        """Keep it for one request; it may be idle for *seconds* afterwards."""
        self._holders += 1
        self._seconds = seconds

    def hold_until_done(self, work: asyncio.Future[Any]) -> None:
        """Also keep it until *work* has ended: two threads must never use one connection."""
        self._holders += 1
        work.add_done_callback(lambda _: self.release())

    def release(self) -> None:
        """Release one hold."""
        self._holders -= 1
        self.expires_at = time.monotonic() + self._seconds


class Sessions:
    """The sessions of this process, by user and id."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], Session] = {}
        self._expired: list[EngineConnection] = []

    @contextlib.asynccontextmanager
    async def entered(self, user: User, query: Query) -> AsyncIterator[Session | None]:
        """Hold the request's session for the length of a block; None when it names none.

        Raises ClickHouseError 373 while another request holds it, 372 when `session_check` asks
        for one that is not there.
        """
        if not query.session_id:
            yield None
            return
        self._forget_expired()
        session = self._find((user.name, query.session_id), must_exist=query.session_check)
        session.hold(query.session_seconds)
        try:
            yield session
        finally:
            session.release()

    def _find(self, key: tuple[str, str], *, must_exist: bool) -> Session:
        session = self._sessions.get(key)
        if session is None and must_exist:
            raise ClickHouseError(Code.SESSION_NOT_FOUND, "Session not found")
        if session is None:
            if len(self._sessions) >= _MAX_SESSIONS:
                raise ClickHouseError(Code.TOO_MANY_SIMULTANEOUS_QUERIES, "Too many sessions")
            session = self._sessions[key] = Session()
        if session.busy:
            raise ClickHouseError(
                Code.SESSION_IS_LOCKED, f"Session {key[1]} is locked by a concurrent client"
            )
        return session

    def _forget_expired(self) -> None:
        """Remove the expired sessions from the table, all in one step."""
        now = time.monotonic()
        gone = [
            key for key, one in self._sessions.items() if not one.busy and one.expires_at <= now
        ]
        for key in gone:
            connection = self._sessions.pop(key).connection
            if connection is not None:
                self._expired.append(connection)

    async def close_expired(self) -> None:
        """Close the connections of expired sessions; nobody else can use them any more."""
        self._forget_expired()
        while self._expired:
            await asyncio.to_thread(self._expired.pop().close)

    def close(self) -> None:
        """Forget every session; blocks."""
        open_ones = (session.connection for session in self._sessions.values())
        for connection in [*self._expired, *(one for one in open_ones if one is not None)]:
            connection.close()
        self._expired.clear()
        self._sessions.clear()
