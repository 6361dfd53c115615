"""`railhead bench --quick` on real parts: it ends by itself, writes its figures, and accounts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from railhead.cli import main

pytestmark = pytest.mark.e2e


def test_a_quick_stream_accounts_for_every_record(tmp_path: Path) -> None:
    """What the worker stored, dropped and rejected is what was put into the topics."""
    file = tmp_path / "figures.json"

    code = main(["bench", "--quick", "--only", "stream", "--json", str(file)])

    (result,) = json.loads(file.read_text())["results"]
    assert (code, result["failed"]) == (0, None)
    assert result["detail"]["accounted"] is True
    assert result["processes"]["worker-1"]["cpu_us_per_event"] > 0
