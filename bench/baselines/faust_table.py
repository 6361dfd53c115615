"""Baseline: a Faust agent that looks up each message in its table, as the guide teaches it.

`faust_table.py BOOTSTRAP CLICKHOUSE_PORT TABLE GROUP TOPIC,...`; rows are inserted a thousand at a
time with clickhouse-connect. After each insert a line of JSON says how many messages are done.
"""

# ruff: noqa: D103 - an example of others' style, one page long

import json
import sys
import tempfile
import time
from typing import Any

import clickhouse_connect
import faust
import uvloop

BOOTSTRAP, PORT, TABLE, GROUP = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
TOPICS = sys.argv[5].split(",")
ROWS_AN_INSERT = 1_000
COLUMNS = ["id", "event", "user_id", "timestamp", "amount", "currency", "game_id", "status"]

app = faust.App(
    GROUP,
    broker=f"kafka://{BOOTSTRAP}",
    store="memory://",
    datadir=tempfile.mkdtemp(prefix="railhead-bench-faust-"),
    consumer_auto_offset_reset="earliest",
    topic_partitions=1,
    web_enabled=False,
)
topic = app.topic(*TOPICS, key_type=str, value_serializer="json")
load_result = app.Table("seen", default=bool, partitions=1)


def row_of(key: str, item: dict[str, Any]) -> list[Any]:
    data = item["data"]
    amount = data.get("amount")
    texts = (data.get(name, "") for name in COLUMNS[5:])
    return [
        key,
        item["event"],
        str(data["user_id"]),
        str(data["timestamp"]),
        None if amount is None else float(amount),
        *(str(text) for text in texts),
    ]


def report(done: int) -> None:
    # Faust replaces standard output by a logger.
    print(json.dumps({"at": time.time(), "events": done}), file=sys.__stdout__, flush=True)


@app.agent(topic)  # type: ignore[untyped-decorator]
async def store(stream: Any) -> None:
    client = await clickhouse_connect.get_async_client(host="127.0.0.1", port=PORT)
    rows: list[list[Any]] = []
    done = 0
    async for event in stream.events():
        done += 1
        key, item = event.key, event.value
        if not load_result[key]:
            load_result[key] = True
            rows.append(row_of(key, item))
        if len(rows) >= ROWS_AN_INSERT:
            await client.insert(TABLE, rows, column_names=COLUMNS)
            rows.clear()
            report(done)


if __name__ == "__main__":
    uvloop.install()
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()
