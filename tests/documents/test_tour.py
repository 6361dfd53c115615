"""Runs the lines of the README's tour, `kill -9` included, and checks what they lead to."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.traffic.traffic import Tally, batches
from tests.system.e2e.system import RAILHEAD, System, wait_until

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
SENT = 30_000
SAMPLE_ROWS = 3
VALID_LOGINS = 1
# A person takes longer to type the next command than rows take; a loaded machine may not.
SEEN = """
for _ in $(seq 100); do
    count="$(railhead sql --format csv 'SELECT count() FROM fasttrack.player_timeline')"
    [ "$(tail -n 1 <<< "$count")" = 3 ] && break
    sleep 0.2
done
"""


@pytest.fixture
def tour(tmp_path: Path) -> Iterator[System]:
    """Start what the tour's first command starts, with its state where the tour looks for it."""
    running = System.make(tmp_path / ".railhead")
    running.up()
    yield running
    running.down()


def script(system: System) -> str:
    """Return every shell block of the tour after `railhead up`, for the ports of *system*."""
    section = (ROOT / "README.md").read_text().split("## Five minutes")[1].split("\n## ")[0]
    _, *blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    at = next(at for at, block in enumerate(blocks) if block.startswith("railhead sql"))
    blocks.insert(at, SEEN)
    return f'railhead() {{ "{RAILHEAD}" "$@"; }}\n' + "\n".join(blocks).replace(
        "127.0.0.1:8080", f"127.0.0.1:{system.http_port}"
    )


def items_file(path: Path) -> Tally:
    """Write the file that the tour sends; returns what it must come to."""
    tally = Tally()
    with gzip.open(path, "wb", 1) as file:
        for batch in batches(5, SENT):
            tally.add(batch.tally)
            file.write(batch.body + b"\n")
    return tally


def test_tour_goes_as_the_readme_says(tour: System, tmp_path: Path) -> None:
    """Sample, report and file arrive whole though worker and broker were killed meanwhile."""
    tally = items_file(tmp_path / "items.json.gz")

    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", script(tour)],
        cwd=tmp_path,
        env={**tour.environment, "RAILHEAD_HTTP_PORT": str(tour.http_port)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    said = done.stdout + done.stderr
    assert "9cd823d3fe" in said, said
    assert '"reason":"bad_time","field":"data.timestamp"' in said
    assert f"{SENT:,} items in" in said
    wait_until(lambda: balances(tour), seconds=90, what="railhead reconcile balances", every=1)
    count = "SELECT count() FROM fasttrack.player_timeline WHERE tenant = 'acme'"
    assert tour.value(count) == tally.total("stored") + SAMPLE_ROWS + VALID_LOGINS
    rejected = "SELECT count() FROM fasttrack.rejected WHERE tenant = 'acme'"
    assert tour.value(rejected) >= tally.total("rejected") + 1


def balances(system: System) -> bool:
    """Tell whether every record has exactly one outcome, and none is still in flight."""
    answer = subprocess.run(
        [RAILHEAD, "reconcile", "--json"],
        env=system.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode == 0 and json.loads(answer.stdout)["in_flight"] == 0
