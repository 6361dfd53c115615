"""A session lives as long as it is used, and for its time-out after that."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

import pytest

from engine_http.engine.errors import ClickHouseError
from engine_http.execution.sessions import Sessions
from engine_http.http.auth import DEFAULT
from engine_http.http.request import Query

SECONDS = (0, 1, 60, 599, 3600)


def query(session: str, seconds: int = 60, *, check: bool = False) -> Query:
    """A request in a session."""
    return Query(
        b"", "default", "", "q", session_id=session, session_seconds=seconds, session_check=check
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that sessions see; the test moves it."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("seconds", SECONDS)
async def test_a_session_does_not_end_while_it_is_used(clock: list[float], seconds: int) -> None:
    """Another client's request removes expired sessions; this one's time-out has not begun."""
    table = Sessions()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(table.entered(DEFAULT, query("used", seconds)))
        clock[0] += seconds + 10_000
        async with table.entered(DEFAULT, query("other")):
            pass
        await table.close_expired()

        with pytest.raises(ClickHouseError) as caught:
            await stack.enter_async_context(table.entered(DEFAULT, query("used", seconds)))

    assert caught.value.code == 373


@pytest.mark.parametrize("seconds", SECONDS)
async def test_its_timeout_begins_after_its_last_use(clock: list[float], seconds: int) -> None:
    """However long the last use was, it ends exactly when its time-out is over."""
    table = Sessions()
    async with table.entered(DEFAULT, query("used", seconds)):
        clock[0] += 10_000
    if seconds:
        clock[0] += seconds - 0.5

        async with table.entered(DEFAULT, query("used", seconds, check=True)):
            pass
    clock[0] += seconds

    with pytest.raises(ClickHouseError) as caught:
        async with table.entered(DEFAULT, query("used", check=True)):
            pass
    assert caught.value.code == 372
