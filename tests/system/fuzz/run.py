"""Sends the cases: some threads, each over a connection that it keeps, and fresh ones."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tests.system.fuzz.case import Case, Key, Secrets
from tests.system.fuzz.judge import complaints, stored_for_sure, surely_not_stored
from tests.system.fuzz.menu import HEAVY_EVERY, case_of
from tests.system.fuzz.wire import Answer, BadAnswerError, Connection, talk

CLIENTS: Final = 8
MOST_COMPLAINTS: Final = 50


@dataclass
class Tally:
    """The results of a run so far."""

    requests: int = 0
    by_kind: dict[str, Counter[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    stored: set[Key] = field(default_factory=set)
    not_stored: set[Key] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, case: Case, answers: list[Answer], wrong: Iterable[str]) -> None:
        """Count one case."""
        records = {valid.record for valid in case.valid.values()}
        with self.lock:
            self.requests += max(1, len(answers))
            counts = self.by_kind.setdefault(case.what, Counter())
            counts.update(str(answer.status) for answer in answers)
            if not answers:
                counts["left" if case.leave else "closed"] += 1
            self.complaints.extend(wrong)
            if stored_for_sure(case, answers):
                self.stored |= records
            elif surely_not_stored(case, answers):
                self.not_stored |= records


class CaseClient:
    """Sends cases one after the other and judges the answers."""

    def __init__(self, port: int, secrets: Secrets, tally: Tally) -> None:
        self._port, self._secrets, self._tally = port, secrets, tally
        self._kept: Connection | None = None

    def send(self, case: Case, name: str) -> list[str]:
        """Send *case*; what is wrong with its answers, reported with *name*."""
        fresh = case.fresh or self._kept is None
        connection = Connection(self._port) if fresh else self._kept
        assert connection is not None
        answers: list[Answer] = []
        try:
            answers = talk(connection, case)
            wrong = complaints(case, answers, self._secrets)
        except (TimeoutError, BadAnswerError, ValueError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        wrong = [f"{case.what} ({name}): {one}" for one in wrong]
        self._tally.add(case, answers, wrong)
        self._keep(connection, case, answers, usable=not wrong)
        return wrong

    def close(self) -> None:
        """Close the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _keep(
        self, connection: Connection, case: Case, answers: list[Answer], *, usable: bool
    ) -> None:
        if connection is not self._kept and (case.fresh or self._kept is not None):
            connection.close(reset=case.leave != "close")
            return
        self._kept = connection
        if not usable or not answers or answers[-1].closes:
            self.close()


@dataclass
class Session:
    """One run against one ingest API."""

    port: int
    secrets: Secrets
    seed: int
    stop_at: float
    tally: Tally = field(default_factory=Tally)
    _heavy: threading.Lock = field(default_factory=threading.Lock)

    def over(self) -> bool:
        """Whether time is up, or enough is wrong."""
        return time.monotonic() > self.stop_at or len(self.tally.complaints) > MOST_COMPLAINTS

    def client(self) -> CaseClient:
        """A new client."""
        return CaseClient(self.port, self.secrets, self.tally)

    def cases(self, numbers: range, *, beside: Callable[[], None] = lambda: None) -> None:
        """Send the cases of *numbers* with all clients at once, and do *beside* meanwhile."""
        turn = itertools.chain(numbers)
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            jobs = [pool.submit(beside)]
            jobs += [pool.submit(self._work, turn) for _ in range(CLIENTS)]
            for job in jobs:
                job.result()

    def _work(self, turn: Iterable[int]) -> None:
        client = self.client()
        try:
            # The iterator is C code: threads may share it.
            for number in turn:
                if self.over():
                    return
                self._one(client, number)
        finally:
            client.close()

    def _one(self, client: CaseClient, number: int) -> None:
        name = f"--seed {self.seed} --case {number}"
        if number % HEAVY_EVERY:
            client.send(case_of(self.seed, number, self.secrets), name)
            return
        with self._heavy:
            client.send(case_of(self.seed, number, self.secrets), name)
