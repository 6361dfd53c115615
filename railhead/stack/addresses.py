"""Where the parts of an installation are reached: the one place that resolves their addresses.

An option wins over the environment, the environment over what `railhead up` wrote into its data
directory, and that over the default.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from railhead.stack.settings import LOOPBACK, StackSettings, reachable
from tenants.tenants_file import replace_file

ADDRESSES_FILE: Final = "addresses.json"
CREDENTIALS: Final = re.compile(r"//[^/@]*@")


class Endpoint(NamedTuple):
    """What a command talks to: its key in the file, and all that sets its address."""

    key: str
    name: str
    option: str
    variables: tuple[str, ...]
    default: str


API_ENDPOINT: Final = Endpoint(
    "ingest_api",
    "the ingest API",
    "--api-url",
    ("RAILHEAD_HTTP_HOST", "RAILHEAD_HTTP_PORT"),
    f"http://{LOOPBACK}:8080",
)
KAFKA_ENDPOINT: Final = Endpoint(
    "kafka", "Kafka", "--bootstrap", ("RAILHEAD_KAFKA_BOOTSTRAP",), f"{LOOPBACK}:9092"
)
CLICKHOUSE_ENDPOINT: Final = Endpoint(
    "clickhouse",
    "ClickHouse",
    "--clickhouse-url",
    ("RAILHEAD_CLICKHOUSE_URL",),
    f"http://{LOOPBACK}:8123",
)


class StackRecord(NamedTuple):
    """What a data directory says about its stack.

    Addresses by key, a note for people on where they are from, metrics pages by process, the
    version that runs; `has_ended` is true when its `railhead up` was killed.
    """

    addresses: Mapping[str, str]
    note: str
    metrics: Mapping[str, str] = MappingProxyType({})
    version: str = ""
    has_ended: bool = False


class Address(NamedTuple):
    """An address and where it comes from."""

    endpoint: Endpoint
    value: str
    source: str
    is_default: bool = False

    def __str__(self) -> str:
        """What is tried and why, without credentials."""
        return f"{self.endpoint.name} at {self.shown} (from {self.source})"

    @property
    def shown(self) -> str:
        """The address without credentials."""
        return CREDENTIALS.sub("//***@", self.value)

    def no_answer(self, why: str) -> str:
        """An error that says what was tried, where the address comes from and what sets it."""
        return f"{self} does not answer: {why}. {self.advice}"

    @property
    def advice(self) -> str:
        """What to do about a wrong address."""
        endpoint = self.endpoint
        return (
            f"Start it, or set its address: {endpoint.option}, {' and '.join(endpoint.variables)}, "
            "or --data-dir with the directory of a running `railhead up`."
        )


def resolve(
    endpoint: Endpoint, *, option: str | None, environ: Mapping[str, str], record: StackRecord
) -> Address:
    """The address of *endpoint*; an empty option or variable counts as not given."""
    if option:
        return Address(endpoint, option, endpoint.option)
    given = {name.upper(): text for name, text in environ.items() if text}
    names = [name for name in endpoint.variables if name in given]
    if names:
        return Address(endpoint, _of_variables(endpoint, given), " and ".join(names))
    if endpoint.key in record.addresses:
        return Address(endpoint, record.addresses[endpoint.key], record.note)
    return Address(endpoint, endpoint.default, f"the default, as {record.note}", is_default=True)


def _of_variables(endpoint: Endpoint, given: Mapping[str, str]) -> str:
    if endpoint is not API_ENDPOINT:
        return given[endpoint.variables[0]]
    host, port = (given.get(name) for name in endpoint.variables)
    return f"http://{reachable(host or LOOPBACK)}:{port or 8080}"


def read_record(data_dir: Path) -> StackRecord:
    """What `railhead up` wrote into *data_dir*; if unreadable, no addresses and the reason."""
    path = data_dir / ADDRESSES_FILE
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return StackRecord({}, f"no stack runs on {data_dir}")
    except OSError as error:
        return StackRecord({}, f"{path} cannot be read ({error.strerror})")
    except ValueError:
        return StackRecord({}, f"{path} is damaged")
    fields: dict[str, Any] = content if isinstance(content, dict) else {}
    endpoints = (API_ENDPOINT, KAFKA_ENDPOINT, CLICKHOUSE_ENDPOINT)
    addresses = _texts(fields, [endpoint.key for endpoint in endpoints])
    if not addresses:
        return StackRecord({}, f"{path} is damaged")
    pid = fields.get("pid")
    ended = isinstance(pid, int) and not _runs(pid)
    metrics = fields.get("metrics")
    return StackRecord(
        addresses,
        f"{path}; its `railhead up` has ended" if ended else str(path),
        metrics=_texts(metrics, list(metrics)) if isinstance(metrics, dict) else {},
        version=str(fields.get("version") or ""),
        has_ended=ended,
    )


def _texts(fields: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    return {key: text for key in keys if isinstance(text := fields.get(key), str) and text}


def write_record(path: Path, settings: StackSettings, metrics: Mapping[str, str]) -> None:
    """Write the addresses of a stack that is ready, in one step; *metrics* are URLs by part."""
    content = {
        "version": importlib.metadata.version("railhead"),
        "pid": os.getpid(),
        API_ENDPOINT.key: settings.http_url,
        KAFKA_ENDPOINT.key: settings.kafka_bootstrap,
        CLICKHOUSE_ENDPOINT.key: settings.clickhouse_url,
        "metrics": dict(sorted(metrics.items())),
    }
    replace_file(path, json.dumps(content, indent=1).encode() + b"\n")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
