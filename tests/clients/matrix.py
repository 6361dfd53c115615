"""The matrix: each client with its program, how to connect it, and what does not work and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.clients import environments

Command = Sequence[str] | None


@dataclass(frozen=True)
class Client:
    """One client; `command` makes its environment, `cheap` ones run in `make test`."""

    name: str
    version: str
    tool: str
    command: Callable[[], Command]
    language: str
    snippet: str
    notes: str = ""
    cheap: bool = False


NODE: Final = """
import { createClient } from "@clickhouse/client";

const client = createClient({ url: "http://127.0.0.1:8123", username: "analyst" });
const query = "SELECT * FROM fasttrack.ggr_daily";
const result = await client.query({ query, format: "JSONEachRow" });
console.log(await result.json());
"""
GO: Final = """
conn, err := clickhouse.Open(&clickhouse.Options{
	Addr:     []string{"127.0.0.1:8123"},
	Protocol: clickhouse.HTTP,
	Auth:     clickhouse.Auth{Username: "analyst", Database: "fasttrack"},
})
db, err := sql.Open("clickhouse", "http://analyst@127.0.0.1:8123/fasttrack")
"""
JAVA: Final = """
Client client = new Client.Builder().addEndpoint("http://127.0.0.1:8123")
        .setUsername("analyst").setPassword("").setDefaultDatabase("fasttrack").build();
List<GenericRecord> rows = client.queryAll("SELECT * FROM ggr_daily");
"""
JDBC: Final = """
Connection connection = DriverManager.getConnection(
        "jdbc:clickhouse://127.0.0.1:8123/fasttrack", "analyst", "");
"""
CONNECT: Final = """
import clickhouse_connect

client = clickhouse_connect.get_client(host="127.0.0.1", port=8123, username="analyst")
sql = "SELECT * FROM fasttrack.ggr_daily"
rows = client.query(sql).result_rows
pandas_frame = client.query_df(sql)
polars_frame = client.query_df_arrow(sql, dataframe_library="polars")
"""
ALCHEMY: Final = """
engine = sqlalchemy.create_engine("clickhousedb://analyst@127.0.0.1:8123/fasttrack")
"""
DBT: Final = """
railhead:
  target: dev
  outputs:
    dev:
      type: clickhouse
      driver: http
      host: 127.0.0.1
      port: 8123
      user: default
      schema: my_models
"""
SUPERSET: Final = """
clickhousedb://analyst@127.0.0.1:8123/fasttrack
"""
MCP: Final = """
{
  "mcpServers": {
    "railhead": {
      "command": "mcp-clickhouse",
      "env": {
        "CLICKHOUSE_HOST": "127.0.0.1",
        "CLICKHOUSE_PORT": "8123",
        "CLICKHOUSE_USER": "analyst",
        "CLICKHOUSE_PASSWORD": "",
        "CLICKHOUSE_SECURE": "false"
      }
    }
  }
}
"""
GRAFANA: Final = """
Server address: 127.0.0.1
Server port:    8123
Protocol:       HTTP
Secure:         off
Username:       analyst
"""

CLIENTS: Final = (
    Client(
        "curl", "of the system", "curl",
        lambda: environments.own_python("curl.py") if environments.has("curl") else None,
        "sh",
        "\ncurl --user analyst: --data 'SELECT * FROM fasttrack.ggr_daily FORMAT JSON' "
        "http://127.0.0.1:8123/\n",
        cheap=True,
    ),
    Client(
        "clickhouse-connect, pandas, polars, Arrow", "1.12.0, pandas 3, polars 2.1", "python",
        lambda: environments.python("connect", "connect.py"), "python", CONNECT,
        "Arrow, Parquet and polars know 38 digits: a sum that has more is an error, never another "
        "number. [analysts.md](analysts.md#arithmetic) says what to write then.",
    ),
    Client(
        "SQLAlchemy and alembic", "SQLAlchemy 2.1, alembic 1.20", "python",
        lambda: environments.python("connect", "alchemy.py"), "python", ALCHEMY,
        "alembic changes tables, so it needs the user `default`; as `analyst` it can only compare.",
    ),
    Client(
        "Node `@clickhouse/client`", "1.23.1", "node and npm",
        lambda: environments.node("main.mjs"), "js", NODE,
        "JSON numbers are doubles: select amounts as `toString(amount)` to keep every digit.",
    ),
    Client(
        "clickhouse-go and database/sql", "2.51.0", "go",
        lambda: environments.go("client"), "go", GO,
        "Say `Protocol: clickhouse.HTTP`, or give an address that begins with `http://`: the "
        "default, the native TCP protocol, is not there, as chdb has no server part.",
    ),
    Client(
        "Java client-v2", "0.10.0", "javac and mvn",
        lambda: environments.java("ClientV2"), "java", JAVA,
    ),
    Client(
        "JDBC, with the metadata that DBeaver reads", "0.10.0", "javac and mvn",
        lambda: environments.java("Jdbc"), "java", JDBC,
        "In DBeaver choose the ClickHouse driver, host, port and user, and no SSL. "
        "`getTimestamp` gives the time as it reads in the column's zone; "
        "`getObject(n, ZonedDateTime.class)` gives the instant.",
    ),
    Client(
        "The requests of Grafana's data source", "4.9, by clickhouse-go 2.51.0", "go",
        lambda: environments.go("grafana"), "text", GRAFANA,
        "Choose HTTP: the default, the native TCP protocol, is not there, as chdb has no server "
        "part. Limits that a panel asks for above the analyst's are lowered to them. The "
        "dashboards that it ships about the server itself read tables which an analyst may not.",
    ),
    Client(
        "dbt-clickhouse", "1.10.3, dbt 1.11", "python",
        lambda: environments.python("dbt", "dbt_project.py"), "yaml", DBT,
        "dbt makes tables, so it needs the user `default`. As `analyst` (`schema: fasttrack`, "
        "which is there) it connects and shows queries of sources; to build anything is refused.",
    ),
    Client(
        "Superset's engine spec", "6.1.0", "python",
        lambda: environments.python("superset", "superset_spec.py"), "text", SUPERSET,
    ),
    Client(
        "mcp-clickhouse", "0.7.0", "python",
        lambda: environments.python("mcp", "mcp_server.py"), "json", MCP,
    ),
    Client(
        "clickhouse-cli", "0.3.9", "python",
        lambda: environments.python("cli", "cli.py"), "sh",
        "\nclickhouse-cli --host 127.0.0.1 --port 8123 --user analyst "
        "--query 'SELECT * FROM fasttrack.ggr_daily'\n",
    ),
)  # fmt: skip
