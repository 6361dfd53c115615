"""What a writer does about an error."""

from __future__ import annotations

import socket
import uuid

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.connection import translate
from sinks.errors import (
    MISCONFIGURED_CODES,
    NON_RETRYABLE_CODES,
    RETRYABLE_CODES,
    MisconfiguredError,
    NonRetryableError,
    Retryable,
    SinkError,
    advice_for,
)
from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.rows import logins, replace

SECRET = "4111-1111-1111-1111"


def test_codes_bear_the_names_the_engine_gives_them(sql: Client) -> None:
    """A number that was mistyped would turn an outage into dead letters."""
    ours = RETRYABLE_CODES | NON_RETRYABLE_CODES | MISCONFIGURED_CODES

    theirs = {code: sql.command(f"SELECT errorCodeToName({code})") for code in ours}

    assert theirs == ours


def test_a_code_is_in_one_table_only() -> None:
    """Otherwise the class would depend on the order of the checks."""
    tables = [RETRYABLE_CODES, NON_RETRYABLE_CODES, MISCONFIGURED_CODES]

    assert len(RETRYABLE_CODES | NON_RETRYABLE_CODES | MISCONFIGURED_CODES) == sum(map(len, tables))


@pytest.mark.parametrize("code", [3, 159, 202, 203, 209, 210, 241, 242, 252, 285, 319, 425, 999])
def test_trouble_of_the_store_is_retryable(code: int) -> None:
    """Too many parts (252) and unknown outcome (319) among it: never a dead letter."""
    assert advice_for(code) is Retryable


@pytest.mark.parametrize("code", [1, 1001, 1002, 123_456])
def test_an_unknown_code_is_misconfigured(code: int) -> None:
    """Held and reported to an operator, never dropped."""
    assert advice_for(code) is MisconfiguredError


def test_no_code_is_retryable() -> None:
    """No answer of ClickHouse's own: nothing is known of the data."""
    assert advice_for(None) is Retryable


@pytest.mark.parametrize("code", [117, 349, 1002])
def test_an_answer_that_quotes_a_row_is_not_passed_on(code: int) -> None:
    """Logs hold no values: of such answers only code and name are reported."""
    answer = DatabaseError(f"Code: {code}. Cannot parse {SECRET} (ANY_NAME)", code=code)

    error = translate("insert into payment", answer)

    assert SECRET not in str(error)
    assert f"{code}: ANY_NAME" in str(error)


def test_an_answer_about_tables_is_passed_on_without_literals() -> None:
    """The operator reads what is missing; what was in quotes may have been a value."""
    answer = DatabaseError(f"DB::Exception: No column zzz, '{SECRET}' (X) (version 26.1)", code=16)

    message = str(translate("insert into payment", answer))

    assert message == "insert into payment: ClickHouse answered 16: No column zzz, … (X)"


async def outcome(settings: StoreSettings, table: str, rows: pa.Table) -> SinkError:
    """The error an insert ends with."""
    store = Store(settings)
    try:
        with pytest.raises(SinkError) as caught:
            await store.insert(table, rows, token=uuid.uuid4().hex)
    finally:
        await store.close()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_a_null_where_none_may_be_is_refused(settings: StoreSettings, tenant: str) -> None:
    """It is not turned into an empty text."""
    rows = replace(logins(tenant, ["a"], [1]), "user_id", pa.array([None], pa.string()))

    assert isinstance(await outcome(settings, "login", rows), NonRetryableError)


async def test_a_value_that_does_not_fit_is_refused(settings: StoreSettings, tenant: str) -> None:
    """The row is at fault; another row may fit."""
    rows = replace(logins(tenant, ["a"], [1]), "timestamp", pa.array([SECRET]))

    assert isinstance(await outcome(settings, "login", rows), NonRetryableError)


async def test_a_column_the_table_lacks_is_misconfigured(
    settings: StoreSettings, tenant: str
) -> None:
    """No row is at fault; the message names the column."""
    rows = logins(tenant, ["a"], [1]).append_column("newer", pa.array([SECRET]))

    error = await outcome(settings, "login", rows)

    assert isinstance(error, MisconfiguredError)
    assert "newer" in str(error)


async def test_a_table_that_is_not_there_is_misconfigured(
    settings: StoreSettings, tenant: str
) -> None:
    """Migrations are missing."""
    error = await outcome(settings, "nowhere", logins(tenant, ["a"], [1]))

    assert (type(error), error.code) == (MisconfiguredError, 60)


async def test_a_wrong_user_is_misconfigured(settings: StoreSettings, tenant: str) -> None:
    """Waiting will not help, but nothing is dropped for it."""
    stranger = settings.model_copy(update={"user": "nobody"})

    error = await outcome(stranger, "login", logins(tenant, ["a"], [1]))

    assert (type(error), error.code) == (MisconfiguredError, 516)


async def test_nobody_listening_is_retryable(tenant: str) -> None:
    """The store is down."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        settings = StoreSettings(url=f"http://127.0.0.1:{reserved.getsockname()[1]}")

        error = await outcome(settings, "login", logins(tenant, ["a"], [1]))

    assert isinstance(error, Retryable)


async def test_no_answer_in_time_is_retryable(tenant: str) -> None:
    """Something accepts and never answers: the deadline ends the wait."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = StoreSettings(
            url=f"http://127.0.0.1:{silent.getsockname()[1]}", insert_timeout_seconds=0.2
        )

        error = await outcome(settings, "login", logins(tenant, ["a"], [1]))

    assert isinstance(error, Retryable)
    assert "TimeoutError" in str(error)


async def test_an_insert_cut_off_by_its_deadline_can_be_made_again(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Whether it had arrived or not, the same token adds its rows once."""
    hasty = Store(settings.model_copy(update={"insert_timeout_seconds": 0.001}))
    await hasty.connect()
    rows = logins(tenant, [str(number) for number in range(1000)], range(1000))
    with pytest.raises(Retryable):
        await hasty.insert("login", rows, token=tenant)
    patient = Store(settings)

    await patient.insert("login", rows, token=tenant)

    await hasty.close()
    await patient.close()
    raw = "SELECT count() FROM fasttrack_store.login WHERE tenant = {tenant:String}"
    assert sql.query(raw, parameters={"tenant": tenant}).result_rows[0][0] == 1000
