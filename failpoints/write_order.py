"""The write order of a partition: its steps, what each waits for, and what a crash there costs.

The diagram and the table in ARCHITECTURE.md, the worker's crash points and the steps in the table
of mutants are made from it; tests hold it and the code together.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class WriteStep(NamedTuple):
    """One step: its short name, what it does and in which files, and what a crash after it costs.

    `waits_for` is what is confirmed before it begins. `points` are the crash points around it with
    what is done there, and `mutants` the deliberate breaks of it.
    """

    name: str
    what: str
    code: tuple[str, ...]
    waits_for: str
    after_a_crash: str
    points: dict[str, str]
    mutants: tuple[str, ...]


WRITE_ORDER: Final = (
    WriteStep(
        "rows",
        "rows, one insert with a token; without those that ClickHouse refuses, until it takes all",
        ("streams/partition/insertion.py", "streams/partition/refusals.py"),
        "the judgement of the insert batch",
        "the offsets come again; rows that are there are found by offset and left out",
        {
            "worker.before_insert": "a range is judged, nothing of it is written",
            "worker.after_insert": "the rows are stored; changelog, ledger, commit may be missing",
        },
        ("no-token", "token-without-range", "trust-the-token", "ignore-refusals"),
    ),
    WriteStep(
        "conflicts, dead letters, moves",
        "conflicts, dead letters and moved records, all at once",
        ("streams/partition/durable_writes.py", "streams/partition/mover.py"),
        "the rows: what a refused row was compared with is judged again",
        "as above; a moved record that is sent again is a duplicate",
        {
            "worker.before_move": "records of other partitions are about to be sent there",
            "worker.after_move": "records are sent to their partitions; ledger and commit are "
            "missing",
        },
        ("do-not-wait-for-moves", "repeats-of-refused-rows", "judged-meanwhile"),
    ),
    WriteStep(
        "changelog",
        "new ids to the changelog",
        ("streams/dedup/table.py",),
        "the rows and all beside them: an id without its row is not remembered",
        "as above; the ids are known at their own offsets, so these records are first occurrences "
        "again",
        {
            "worker.before_changelog": "rows, conflicts and dead letters are written, the ids are "
            "not",
            "worker.after_changelog": "the changelog has the ids; ledger and commit are missing",
        },
        ("mark-seen-with-true", "refused-id-in-the-changelog", "commit-before-changelog"),
    ),
    WriteStep(
        "ledger row",
        "the ledger row",
        ("streams/partition/ledger.py",),
        "the changelog: the ledger says that all of the range is done",
        "the ledger says that the offsets are done; they are skipped",
        {
            "worker.before_ledger": "rows and changelog are written, the ledger row is not",
            "worker.after_ledger": "the ledger row is written, the fetched batches are not "
            "acknowledged",
        },
        ("cover-missing-batches", "again-in-the-same-generation"),
    ),
    WriteStep(
        "acknowledgement",
        "acknowledgement to Faust, oldest first",
        ("streams/partition/writer.py",),
        "the ledger row",
        "as above",
        {
            "worker.before_ack": "all is written, no fetched batch is acknowledged",
            "worker.after_ack": "the batches are acknowledged, the offsets are not committed",
        },
        ("ack-before-insert", "raise-out-of-the-loop"),
    ),
    WriteStep(
        "commit",
        "commit, up to the oldest fetched batch that is not acknowledged",
        ("streams/faust/commit_tracker.py", "streams/faust/transport.py"),
        "the acknowledgements, without a gap",
        "nothing is delivered again",
        {
            "worker.before_commit": "offsets are about to be committed",
            "worker.after_commit": "the offsets are committed",
        },
        ("pass-unprocessed-offsets",),
    ),
)
