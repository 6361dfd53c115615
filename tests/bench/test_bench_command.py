"""`railhead bench --quick` on real parts: it ends by itself, writes its results, and accounts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from railhead.cli.main import main

pytestmark = pytest.mark.e2e


def test_a_quick_stream_accounts_for_every_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the worker stored, dropped and rejected adds up to what was put into the topics.

    The baseline that Railhead's own environment can run is measured too; for the other a line says
    what is missing.
    """
    monkeypatch.delenv("RAILHEAD_BENCH_PYTHON", raising=False)
    file = tmp_path / "results.json"

    code = main(["bench", "--quick", "--only", "stream", "--json", str(file)])

    ours, faust, quix = json.loads(file.read_text())["results"]
    assert (code, ours["failed"], faust["failed"]) == (0, None, None)
    assert ours["detail"]["accounted"] is True
    assert ours["processes"]["worker-1"]["cpu_us_per_event"] > 0
    assert faust["detail"]["rows"] > 0
    assert "RAILHEAD_BENCH_PYTHON" in quix["skipped"]


def test_without_psutil_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It measures processes with psutil, and a server's environment does not have it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    code = main(["bench", "--quick"])

    assert (code, "needs psutil" in capsys.readouterr().err) == (1, True)
