"""The command `worker`: topics in, first occurrences into ClickHouse."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from sinks.settings import StoreSettings
from streams.settings import WorkerSettings
from streams.worker import run_worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what differs between the workers of one machine; the rest is in the environment."""
    parser.add_argument("--metrics-port", type=int, default=None, help="port of /metrics, /health")
    parser.add_argument("--data-dir", type=Path, default=None, help="directory for Faust's files")
    parser.add_argument("--instance", default=None, help="name in the logs, such as 1")


def run(args: argparse.Namespace) -> int:
    """Run a worker until it is asked to stop."""
    instance = f" worker-{args.instance}" if args.instance else ""
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s %(levelname)s{instance} %(name)s %(message)s",
    )
    given = {"worker_metrics_port": args.metrics_port, "data_dir": args.data_dir}
    settings = WorkerSettings(**{name: value for name, value in given.items() if value is not None})
    run_worker(settings, StoreSettings())
