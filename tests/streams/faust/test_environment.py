"""Variables that Faust, mode and aiokafka read mean nothing to a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faust.types.settings import Settings

from streams.app import create_app
from streams.faust.environment import NAMES, forget_foreign_variables
from streams.settings import WorkerSettings

VARIABLES = sorted({one.env_name for one in Settings.SETTINGS.values() if one.env_name})
HOSTILE = ["0", "1", "false", "exactly_once", "kafka://elsewhere:1", "latest", "/dev/null"]
ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.filterwarnings("ignore:Setting .* is deprecated")
# Prints the configuration that a new process makes.
PROGRAM = """
import railhead.cli.processes.worker, streams.worker
from tests.streams.faust.test_environment import configuration
import json, asyncio, faust.types._env as known, faust.streams, aiokafka.util, mode.utils.logging
read = {name: str(value) for name, value in vars(known).items() if name.isupper()}
read["policy"] = type(asyncio.get_event_loop_policy()).__name__
read["pure"] = [faust.streams.NO_CYTHON, aiokafka.util.NO_EXTENSIONS, mode.utils.logging.DEVLOG]
print(json.dumps([configuration(), read]))
"""


def configuration() -> dict[str, str]:
    """Every setting of the worker's Faust app, as text."""
    conf: Any = create_app(WorkerSettings()).conf
    # The name of a topic for replies, of which there are none, is random.
    reported = [name for name in Settings.SETTINGS if name not in {"env", "reply_to"}]
    return {name: repr(getattr(conf, name)) for name in reported}


def test_faust_has_the_settings_that_are_tried() -> None:
    """Among them those that would lose events."""
    assert len(VARIABLES) > 70
    assert {
        "PRODUCER_ACKS",
        "BROKER_URL",
        "CONSUMER_AUTO_OFFSET_RESET",
        "STREAM_WAIT_EMPTY",
        "TOPIC_ALLOW_DECLARE",
        "PROCESSING_GUARANTEE",
    } <= set(VARIABLES)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("prefix", ["", "X_"])
def test_no_variable_of_faust_changes_a_setting(
    value: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its registry at once, also behind a prefix that the environment chooses."""
    clean = configuration()
    for name in VARIABLES:
        monkeypatch.setenv(prefix + name, value)
    if prefix:
        monkeypatch.setenv("APP_ENV_PREFIX", prefix)
    else:
        monkeypatch.delenv("APP_ENV_PREFIX")

    assert configuration() == clean


@pytest.mark.parametrize("name", VARIABLES)
def test_each_variable_of_faust_is_without_effect(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alone: together one may hide another."""
    clean = configuration()

    monkeypatch.setenv(name, "7")

    assert configuration() == clean


def test_what_faust_reads_at_import_is_gone_before() -> None:
    """In a process of its own, as a worker is."""
    hostile = dict.fromkeys(NAMES, "1") | {
        f"{prefix}{name}": value
        for prefix in ("FAUST_", "F_")
        for name, value in {
            "DEBUG": "1",
            "STRICT": "1",
            "LOOP": "gevent",
            "DATADIR": "/dev/null",
            "WORKDIR": "/dev/null",
            "BLOCKING_TIMEOUT": "0.001",
            "FORCE_BLOCKING_TIMEOUT": "1",
            "CONSOLE_PORT": "1",
            "WEB_PORT": "1",
            "F_WEB_BIND": "0.0.0.0",
            "WEB_TRANSPORT": "unix:///dev/null",
        }.items()
    }
    hostile |= dict.fromkeys(VARIABLES, "0")

    assert printed_by_a_process(hostile) == printed_by_a_process({})


def printed_by_a_process(variables: dict[str, str]) -> Any:
    """The configuration of a process with these *variables*."""
    clean = {name: value for name, value in os.environ.items() if name not in variables}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**clean, **variables},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_other_variables_stay() -> None:
    """What is ours, and what the system needs."""
    environ = {"PATH": "/bin", "RAILHEAD_GROUP": "g", "FAUST_LOOP": "gevent", "NO_CYTHON": ""}

    forget_foreign_variables(environ)

    assert environ == {"PATH": "/bin", "RAILHEAD_GROUP": "g"}
