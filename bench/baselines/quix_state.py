"""Baseline: quixstreams with its state store for deduplication and a clickhouse-connect sink.

`quix_state.py BOOTSTRAP CLICKHOUSE_PORT TABLE GROUP TOPIC,...`; rows are inserted at each
checkpoint. After each a line of JSON says how many messages are done.
"""

# ruff: noqa: D101, D102, D103 - an example of others' style, one page long

import json
import sys
import tempfile
import time
from typing import Any

import clickhouse_connect
from quixstreams import Application, State  # type: ignore[import-not-found]
from quixstreams.sinks import BatchingSink, SinkBatch  # type: ignore[import-not-found]

BOOTSTRAP, PORT, TABLE, GROUP = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
TOPICS = sys.argv[5].split(",")
COLUMNS = ["id", "event", "user_id", "timestamp", "amount", "currency", "game_id", "status"]
done = 0


def is_first(_item: Any, state: State) -> bool:
    """State is kept by the record's key, TENANT:ID."""
    global done  # noqa: PLW0603 - what this program counts
    done += 1
    if state.exists("seen"):
        return False
    state.set("seen", True)  # noqa: FBT003 - quixstreams' signature
    return True


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


class ClickHouseSink(BatchingSink):  # type: ignore[misc]
    def setup(self) -> None:
        self._client = clickhouse_connect.get_client(host="127.0.0.1", port=PORT)

    def write(self, batch: SinkBatch) -> None:
        rows = [row_of(item.key, item.value) for item in batch]
        self._client.insert(TABLE, rows, column_names=COLUMNS)

    def flush(self) -> None:
        super().flush()
        if done:
            print(json.dumps({"at": time.time(), "events": done}), flush=True)


def main() -> None:
    app = Application(
        BOOTSTRAP,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        state_dir=tempfile.mkdtemp(prefix="railhead-bench-quix-"),
        commit_interval=1.0,
        loglevel="ERROR",
    )
    sink = ClickHouseSink()
    for name in TOPICS:
        topic = app.topic(name, key_deserializer="str", value_deserializer="json")
        app.dataframe(topic).filter(is_first, stateful=True).sink(sink)
    app.run()


if __name__ == "__main__":
    main()
