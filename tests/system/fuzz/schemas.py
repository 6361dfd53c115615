"""Runs Schemathesis on /openapi.json: its own requests and checks, in its own process."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.system.fuzz.target import Target

CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method,ignored_auth"
)


@dataclass(frozen=True, slots=True)
class SchemaRun:
    """What it sent, and what it says."""

    statuses: Counter[str]
    passed: bool
    text: str

    @property
    def requests(self) -> int:
        """How many requests that were."""
        return self.statuses.total()


def try_schema(target: Target, command: str, *, examples: int, seed: int) -> SchemaRun:
    """Run Schemathesis against *target* with at most *examples* for each operation and phase."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "requests.ndjson"
        arguments = [
            command, "run", f"http://127.0.0.1:{target.port}/openapi.json",
            "--header", f"x-api-key: {target.secrets.fuzz}", "--checks", CHECKS,
            "--max-examples", str(examples), "--seed", str(seed), "--workers", "1",
            "--report", "har", "--report-har-path", str(report), "--no-color",
            "--continue-on-failure", "--warnings", "off",
        ]  # fmt: skip
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=folder)
        return SchemaRun(_statuses(report), done.returncode == 0, done.stdout + done.stderr)


def _statuses(report: Path) -> Counter[str]:
    if not report.exists():
        return Counter()
    har: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return Counter(str(entry["response"]["status"]) for entry in har["log"]["entries"])
