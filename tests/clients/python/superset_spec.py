"""Superset's engine spec for ClickHouse: the calls that SQL Lab, charts and the data set page make."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from typing import Any

from checks import PORT, USER, check, equal, true

os.environ.setdefault("SUPERSET_SECRET_KEY", "only-for-this-run")
from superset.app import create_app

app = create_app()
contextlib.ExitStack().enter_context(app.app_context())
from superset.db_engine_specs.clickhouse import ClickHouseConnectEngineSpec as Spec  # noqa: E402
from superset.models.core import Database  # noqa: E402
from superset.sql.parse import Table  # noqa: E402

PARAMETERS: Any = {
    "host": "127.0.0.1", "port": PORT, "username": USER, "password": "", "database": "fasttrack",
    "encryption": False, "query": {},
}  # fmt: skip
uri = Spec.build_sqlalchemy_uri(PARAMETERS)
database = Database(database_name="railhead", sqlalchemy_uri=uri)


def frame(sql: str) -> Any:
    """The data frame that a chart is drawn from."""
    return database.get_df(sql, schema="fasttrack")


@check("the connection form")
def _() -> None:
    properties: Any = {"parameters": PARAMETERS, "configuration_method": "dynamic_form"}
    equal(Spec.validate_parameters(properties), [])
    equal(Spec.get_parameters_from_uri(uri)["port"], PORT)


@check("the test of the connection")
def _() -> None:
    with database.get_sqla_engine() as engine:
        true(engine.dialect.do_ping(engine.raw_connection()))


@check("schemas, tables and views")
def _() -> None:
    true("fasttrack" in database.get_all_schema_names())
    tables = database.get_all_table_names_in_schema(None, "fasttrack")
    views = database.get_all_view_names_in_schema(None, "fasttrack")
    true(len({one[0] for one in (*tables, *views)}) >= 17)


@check("columns of a data set")
def _() -> None:
    columns = database.get_columns(Table("casino", "fasttrack"))
    true({"amount", "timestamp"} <= {one["column_name"] for one in columns})
    for one in columns:
        true(Spec.get_column_spec(str(one["type"])) is not None)


@check("functions for the editor")
def _() -> None:
    true(len(Spec.get_function_names(database)) > 500)


@check("every view as a data frame")
def _() -> None:
    with database.get_sqla_engine() as engine:
        names = [row[0] for row in engine.execute("SHOW TABLES FROM fasttrack")]
    for name in names:
        true(len(frame(f"SELECT * FROM fasttrack.{name} LIMIT 50")) > 0)


@check("time grains")
def _() -> None:
    for grain, text in Spec.get_time_grain_expressions().items():
        column = text.replace("{col}", "timestamp")
        sql = f"SELECT {column} AS t, count(*) AS n FROM fasttrack.casino GROUP BY t"
        true(len(frame(sql)) > 0)
        true(grain is None or len(grain) > 0)


@check("a time filter")
def _() -> None:
    since = Spec.convert_dttm(
        "DateTime", dt.datetime(2025, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
    )
    equal(
        int(
            frame(f"SELECT count(*) AS n FROM fasttrack.casino WHERE timestamp >= {since}").iloc[
                0, 0
            ]
        ),
        240,
    )


@check("the cost estimate and EXPLAIN of the editor")
def _() -> None:
    true(len(frame("EXPLAIN SELECT * FROM fasttrack.ggr_daily")) > 0)


@check("an error is translated")
def _() -> None:
    try:
        frame("SELECT * FROM fasttrack.nothing")
    except Exception as error:  # noqa: BLE001 - Superset translates what it catches
        (found,) = Spec.extract_errors(error)
        true("UNKNOWN_TABLE" in found.message)
        return
    raise AssertionError("no error")
