"""Generates a client in each language from a running API's document, and runs it.

The broker and the ingest API are real. Each client posts the contract's sample, asks for a report,
is refused in several ways, and at last meets an API whose broker is gone; it must find each answer
in the class or type that the document has for it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.system.e2e.system import wait_until
from tests.system.fuzz.target import Target, running_target

HERE: Final = Path(__file__).parent
SAMPLE: Final = Path(__file__).parents[3] / "demo" / "sample.json"
PACKAGE: Final = "railhead_ingest_api_client"
TYPESCRIPT_FILES: Final = ("package.json", "package-lock.json", "tsconfig.json", "post_sample.ts")
STEP_SECONDS: Final = 120.0
NOT_READY_SECONDS: Final = 60.0

Say = Callable[[str], None]


class Failed(Exception):  # noqa: N818 - what happened
    """A generator complained, or a client did not find what the document says."""


@dataclass(frozen=True, slots=True)
class Client:
    """A generated client: the command that runs it with what follows in `arguments`."""

    name: str
    command: Sequence[str]

    def run(self, target: Target, part: str, folder: Path) -> None:
        """Run one *part* of its program.

        Raises:
            Failed: it ended with an error.
        """
        url = f"http://127.0.0.1:{target.port}"
        run([*self.command, part, url, target.secrets.fuzz, str(SAMPLE)], folder)


def try_clients(python: Path, *, say: Say) -> None:
    """Generate and run a client of Python, and one of TypeScript if npm is there.

    Raises:
        Failed: see there.
    """
    with tempfile.TemporaryDirectory() as name, running_target(lambda _: None) as target:
        folder = Path(name)
        status, document = target.get("/openapi.json")
        assert status == 200
        (folder / "openapi.json").write_bytes(document)
        clients = [python_client(python, folder)]
        if shutil.which("npm"):
            clients.append(typescript_client(folder))
        else:
            say("TypeScript: skipped, as npm is not installed")
        for client in clients:
            client.run(target, "stored", folder)
            say(f"{client.name}: the sample is stored, and refusals have their types")
        target.machine.stack.halt("kafka")
        wait_until(
            lambda: target.get("/health/ready")[0] != 200,
            seconds=NOT_READY_SECONDS,
            what="the ingest API is not ready without Kafka",
        )
        for client in clients:
            client.run(target, "unready", folder)
            say(f"{client.name}: without Kafka it is refused with the type for that")


def python_client(python: Path, folder: Path) -> Client:
    """Generate a package with openapi-python-client; a warning is an error."""
    generator = python.with_name("openapi-python-client")
    run(
        [
            str(generator), "generate", "--path", "openapi.json", "--meta", "none",
            "--output-path", PACKAGE, "--fail-on-warning",
        ],
        folder,
        path=python.parent,
    )  # fmt: skip
    shutil.copy(HERE / "post_sample.py", folder)
    return Client("Python", [str(python), "post_sample.py"])


def typescript_client(folder: Path) -> Client:
    """Generate types with openapi-typescript, check a program that uses them, and compile it."""
    for name in TYPESCRIPT_FILES:
        shutil.copy(HERE / name, folder)
    run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"], folder)
    run(["npx", "openapi-typescript", "openapi.json", "--output", "schema.d.ts"], folder)
    run(["npx", "tsc", "--project", "tsconfig.json"], folder)
    return Client("TypeScript", ["node", "post_sample.js"])


def run(command: Sequence[str], folder: Path, *, path: Path | None = None) -> None:
    """Run *command* in *folder*, with *path* before all others.

    Raises:
        Failed: it ended with an error.
    """
    environment = dict(os.environ)
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{json.dumps(list(command))}\n{done.stdout}{done.stderr}")
