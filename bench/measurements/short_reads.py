"""Measures analysts' short reads while heavy ones run: `python -m bench.measurements.short_reads`.

Twenty analysts repeat `SELECT 1` against an engine of its own, first alone, then while other
analysts run heavy reads. Prints the median and the 95th percentile of both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil

HEAVY = b"SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
SHORT = b"SELECT 1"


def main() -> int:
    """Print the results; 1 if the median with heavy reads is 200 ms or more."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--analysts", type=int, default=20)
    parser.add_argument("--heavy", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data_dir:
        command = [sys.executable, "-m", "railhead.cli.main", "clickhouse", "--port", "0"]
        command += ["--data-dir", data_dir]
        engine = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert engine.stdout is not None  # noqa: S101 -- a pipe was asked for
            url = engine.stdout.readline().split()[1]
            before = cpu_seconds(engine)
            alone = measure(url, args.analysts, args.seconds)
            spent = (cpu_seconds(engine) - before) / len(alone)
            print(f"{line('alone', alone)}, {spent * 1e3:.1f} ms of processor time each")
            beside = with_heavy(url, args.heavy, lambda: measure(url, args.analysts, args.seconds))
            print(line(f"beside {args.heavy} heavy reads", beside))
        finally:
            engine.terminate()
            engine.wait()
    return int(statistics.median(beside) >= 0.2)


def cpu_seconds(engine: subprocess.Popen[str]) -> float:
    """The processor time the engine's process has used."""
    times = psutil.Process(engine.pid).cpu_times()
    return float(times.user + times.system)


def with_heavy(url: str, count: int, work: Callable[[], list[float]]) -> list[float]:
    """Do *work* while *count* heavy reads run."""
    over = threading.Event()

    def again_and_again() -> None:
        while not over.is_set():
            ask(url, HEAVY, "&max_execution_time=10")

    with ThreadPoolExecutor(count) as threads:
        for _ in range(count):
            threads.submit(again_and_again)
        try:
            return work()
        finally:
            over.set()


def measure(url: str, analysts: int, seconds: float) -> list[float]:
    """The times of all short reads of *analysts* within *seconds*."""
    end = time.monotonic() + seconds

    def one(_number: int) -> list[float]:
        times = []
        while time.monotonic() < end:
            begun = time.monotonic()
            if ask(url, SHORT) != b"1\n":
                raise SystemExit("a short read was not answered")
            times.append(time.monotonic() - begun)
        return times

    with ThreadPoolExecutor(analysts) as threads:
        return [took for times in threads.map(one, range(analysts)) for took in times]


def ask(url: str, sql: bytes, more: str = "") -> bytes:
    """Ask as an analyst; empty for an error."""
    try:
        with urllib.request.urlopen(f"{url}/?user=analyst{more}", sql, timeout=120) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError:
        return b""


def line(what: str, times: list[float]) -> str:
    """One line of results in milliseconds."""
    ordered = sorted(times)
    tail = ordered[int(len(ordered) * 0.95)]
    return (
        f"{what:>22}: {len(times):>6,} reads, median {statistics.median(times) * 1e3:6.1f} ms, "
        f"95% {tail * 1e3:6.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
