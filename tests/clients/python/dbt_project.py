"""dbt with dbt-clickhouse: a project of one source, a table, a view and tests, as its guide has it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import OWNER, PORT, USER, check, true

PROGRAM = Path(sys.executable).with_name("dbt")
# It makes a schema that is not there, before anything else.
SCHEMA = "dbt_client" if OWNER else "fasttrack"
FILES = {
    "dbt_project.yml": "name: railhead\nversion: '1.0'\nprofile: railhead\nmodel-paths: [models]\n",
    "profiles.yml": f"""railhead:
  target: dev
  outputs:
    dev:
      type: clickhouse
      driver: http
      host: 127.0.0.1
      port: {PORT}
      user: {USER}
      schema: {SCHEMA}
""",
    "models/sources.yml": """sources:
  - name: fasttrack
    schema: fasttrack
    tables: [{name: casino}, {name: ggr_daily}]
models:
  - name: ggr
    columns:
      - name: day
        data_tests: [not_null]
""",
    "models/ggr.sql": """{{ config(materialized='table', order_by='day') }}
SELECT day, currency, sum(ggr) AS ggr FROM {{ source('fasttrack', 'ggr_daily') }} GROUP BY ALL
""",
    "models/ggr_euro.sql": "SELECT * FROM {{ ref('ggr') }} WHERE currency = 'EUR'\n",
    "models/players.sql": """{{ config(materialized='incremental', unique_key='user_id',
    order_by='user_id') }}
SELECT user_id, count() AS events FROM {{ source('fasttrack', 'casino') }} GROUP BY user_id
""",
    "seeds/brands.csv": "tenant,name\nacme,Acme\n",
}
# Removed when the program ends.
home = tempfile.TemporaryDirectory(prefix="dbt-")
folder = Path(home.name)
for name, text in FILES.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def dbt(*arguments: str) -> str:
    """What dbt says; raises with its last lines if it fails."""
    done = subprocess.run(
        [str(PROGRAM), "--no-use-colors", *arguments, "--profiles-dir", "."],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(" ".join(done.stdout.split())[-600:])
    return done.stdout


def writes(*arguments: str) -> None:
    """As the owner it works; as an analyst it is refused."""
    if OWNER:
        dbt(*arguments)
        return
    try:
        dbt(*arguments)
    except RuntimeError as error:
        true("497" in str(error) or "Not enough privileges" in str(error))
        return
    raise AssertionError("it was not refused")


@check("connect (dbt debug)")
def _() -> None:
    dbt("debug")


@check("a query of a source (dbt show)")
def _() -> None:
    sql = "select count(*) as n from {{ source('fasttrack', 'casino') }}"
    true("240" in dbt("show", "--inline", sql))


@check("tables, views and tests (dbt build)")
def _() -> None:
    writes("build")


@check("an incremental model again (dbt run)")
def _() -> None:
    writes("run", "--select", "players")


@check("the catalog (dbt docs generate)")
def _() -> None:
    dbt("docs", "generate")
