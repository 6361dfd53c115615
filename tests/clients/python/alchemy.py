"""SQLAlchemy by clickhouse-connect's dialect, and alembic on it, with their default settings."""

from __future__ import annotations

import decimal

import clickhouse_connect.cc_sqlalchemy.alembic  # noqa: F401 - registers the dialect
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from checks import AMOUNT, OWNER, PORT, USER, check, equal, refused, true
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import Decimal, UInt32
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree

engine = sa.create_engine(f"clickhousedb://{USER}@127.0.0.1:{PORT}/fasttrack")


@check("connect")
def _() -> None:
    with engine.connect() as connection:
        equal(connection.execute(sa.text("SELECT 1")).scalar(), 1)


@check("schemas, views and columns by the inspector")
def _() -> None:
    found = sa.inspect(engine)
    true("fasttrack" in found.get_schema_names())
    names = {*found.get_table_names("fasttrack"), *found.get_view_names("fasttrack")}
    true(len(names) >= 17)
    for name in names:
        true(len(found.get_columns(name, "fasttrack")) > 1)


@check("every view as a reflected table")
def _() -> None:
    with engine.connect() as connection:
        for (name,) in connection.execute(sa.text("SHOW TABLES FROM fasttrack")).all():
            view = sa.Table(name, sa.MetaData(schema="fasttrack"), autoload_with=engine)
            true(len(connection.execute(sa.select(view).limit(5)).all()) > 0)


@check("an expression with bound parameters")
def _() -> None:
    casino = sa.Table("casino", sa.MetaData(schema="fasttrack"), autoload_with=engine)
    query = (
        sa.select(casino.c.currency, sa.func.count().label("n"))
        .where(casino.c.tenant == "acme", casino.c.user_id.in_(["user-1", "it's"]))
        .group_by(casino.c.currency)
    )
    with engine.connect() as connection:
        equal(len(connection.execute(query).all()), 1)


@check("exact amounts")
def _() -> None:
    with engine.connect() as connection:
        found = connection.execute(sa.text("SELECT amount FROM casino LIMIT 1")).scalar()
        equal(found, decimal.Decimal(AMOUNT))


@check("an error has its code")
def _() -> None:
    with engine.connect() as connection:
        refused(60, lambda: connection.execute(sa.text("SELECT * FROM nothing")))


@check("create, insert, drop")
def _() -> None:
    table = sa.Table(
        "alchemy_client",
        sa.MetaData(schema="default"),
        sa.Column("id", UInt32),
        sa.Column("amount", Decimal(76, 18)),
        MergeTree(order_by="id"),
    )
    if not OWNER:
        refused(497, lambda: table.create(engine))
        return
    table.drop(engine, checkfirst=True)
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(table.insert().values(id=1, amount=decimal.Decimal(AMOUNT)))
        equal(connection.execute(sa.select(table)).all(), [(1, decimal.Decimal(AMOUNT))])
    table.drop(engine)


@check("alembic: a migration and what it would generate")
def _() -> None:
    metadata = sa.MetaData(schema="default")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_schemas": False})
        operations = Operations(context)

        def create() -> None:
            operations.create_table(
                "alembic_client",
                sa.Column("id", UInt32),
                schema="default",
                clickhousedb_engine=MergeTree(order_by="id"),
            )

        if not OWNER:
            compare_metadata(context, metadata)
            refused(497, create)
            return
        create()
        operations.add_column("alembic_client", sa.Column("b", UInt32), schema="default")
        columns = {
            one["name"] for one in sa.inspect(engine).get_columns("alembic_client", "default")
        }
        equal(columns, {"id", "b"})
        compare_metadata(context, metadata)
        operations.drop_table("alembic_client", schema="default")
