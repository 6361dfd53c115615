"""What requests may send, decompress and compute is bounded, also for many at the same time."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lz4.block
import lz4.frame
import pytest

from engine_http.http.body import MAX_BODY_BYTES, MAX_FORM_BYTES, MAX_STATEMENT_BYTES
from engine_http.http.encodings import zstd
from engine_http.http.frames import checksum
from engine_http.http.spool import IN_MEMORY_BYTES
from tests.engine_http.process import Answer, EngineProcess

MIB = 1 << 20
AT_ONCE = 10
MEMORY_MIB = 1024
SLACK_BYTES = 64 * MIB
CHUNK = b"SELECT 1 + 1 + 1" * (MIB >> 4)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine whose memory nothing else in the tests uses."""
    process = EngineProcess(
        tmp_path_factory.mktemp("bounds") / "data",
        options=("--memory-limit-mib", str(MEMORY_MIB)),
    ).start()
    process.ask("CREATE TABLE default.t (a String) ENGINE = MergeTree ORDER BY a")
    process.ask("CREATE DATABASE fasttrack")
    process.analyst("SELECT 1")
    yield process
    assert process.stop() == 0


def peak_bytes(process: EngineProcess, work: Callable[[], None]) -> int:
    """The largest growth of the process's memory while *work* was done."""
    proc = Path(f"/proc/{process.process.pid}")

    def read(name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", (proc / "status").read_text())
        assert found
        return int(found[1]) << 10

    (proc / "clear_refs").write_text("5")  # resets the peak
    before = read("VmRSS")
    work()
    return read("VmHWM") - before


def deflated() -> bytes:
    """A gigabyte as one stream; a flushed chunk may be repeated."""
    packer = zlib.compressobj(1)
    first, again = (packer.compress(CHUNK) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 1023 + packer.flush()


def frames(method: int, packed: bytes) -> bytes:
    """A gigabyte in frames of ClickHouse's own."""
    rest = struct.pack("<BII", method, len(packed) + 9, MIB) + packed
    return (checksum(rest) + rest) * 1024


BOMBS: dict[str, tuple[Callable[[], bytes], dict[str, str], dict[str, str]]] = {
    "gzip": (lambda: gzip.compress(CHUNK) * 1024, {"Content-Encoding": "gzip"}, {}),
    "deflate": (deflated, {"Content-Encoding": "deflate"}, {}),
    "zstd": (lambda: zstd.compress(CHUNK) * 1024, {"Content-Encoding": "zstd"}, {}),
    "lz4": (lambda: lz4.frame.compress(CHUNK) * 1024, {"Content-Encoding": "lz4"}, {}),
    "frames of lz4": (
        lambda: frames(0x82, lz4.block.compress(CHUNK, store_size=False)),
        {},
        {"decompress": "1"},
    ),
    "frames of zstd": (lambda: frames(0x90, zstd.compress(CHUNK)), {}, {"decompress": "1"}),
    "gzip in gzip": (
        lambda: gzip.compress(gzip.compress(CHUNK) * 1024),
        {"Content-Encoding": "gzip, gzip"},
        {},
    ),
    "frames in zstd": (
        lambda: zstd.compress(frames(0x90, zstd.compress(CHUNK))),
        {"Content-Encoding": "zstd"},
        {"decompress": "1"},
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_ten_bombs_of_an_analyst_take_no_memory(small: EngineProcess, kind: str) -> None:
    """A gigabyte in a few megabytes is refused at the first one, with a clear message."""
    make, headers, arguments = BOMBS[kind]
    bomb = make()
    answers: list[Answer] = []

    def explode() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            asked = threads.map(
                lambda _: small.ask(bomb, {"user": "analyst", **arguments}, headers=headers),
                range(AT_ONCE),
            )
            answers.extend(asked)

    grown = peak_bytes(small, explode)

    if kind == "gzip in gzip":
        assert {answer.code for answer in answers} == {89}
    else:
        assert {answer.code for answer in answers} == {229}
        assert f"{MAX_STATEMENT_BYTES:,} bytes" in answers[0].text
    assert grown <= AT_ONCE * 4 * MAX_STATEMENT_BYTES + SLACK_BYTES


@pytest.mark.parametrize("kind", [kind for kind in BOMBS if kind != "gzip in gzip"])
def test_ten_bombs_as_inserts_are_opened_onto_the_disk(small: EngineProcess, kind: str) -> None:
    """An insert is decompressed in chunks; the error names the most it may have."""
    make, headers, arguments = BOMBS[kind]
    bomb = make()
    answers: list[Answer] = []

    def explode() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            asked = threads.map(
                lambda _: small.ask(
                    bomb, arguments, headers=headers, query="INSERT INTO t FORMAT TSV"
                ),
                range(AT_ONCE if kind == "gzip" else 3),
            )
            answers.extend(asked)

    grown = peak_bytes(small, explode)

    assert {answer.code for answer in answers} == {229}
    assert f"{MAX_BODY_BYTES:,} bytes" in answers[0].text
    assert grown <= AT_ONCE * IN_MEMORY_BYTES + SLACK_BYTES
    assert small.value("SELECT count() FROM default.t") == "0"
    assert list((small.data_dir / "bodies").iterdir()) == []


@pytest.mark.parametrize(
    ("user", "body", "code"),
    [
        ("analyst", b"SELECT 1" + b" " * MAX_STATEMENT_BYTES, 229),
        ("default", b"SELECT 1" + b" " * MAX_STATEMENT_BYTES, 229),
        ("analyst", b"SELECT " + b"1+" * (MAX_STATEMENT_BYTES // 2 - 9) + b"1", 167),
        ("analyst", b"SELECT '" + b"x" * (MAX_STATEMENT_BYTES - 9) + b"'", 0),
        ("default", b"SELECT '" + b"x" * (MAX_STATEMENT_BYTES - 9) + b"'", 0),
    ],
)
def test_a_statement_may_have_what_a_server_allows(
    small: EngineProcess, user: str, body: bytes, code: int
) -> None:
    """To the byte, for both users, whatever it contains."""
    answers: list[Answer] = []

    def ask() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            # For the one that keeps the parser busy for seconds, three are enough.
            count = 3 if code == 167 else AT_ONCE
            answers.extend(threads.map(lambda _: small.ask(body, user=user), range(count)))

    grown = peak_bytes(small, ask)

    assert {answer.code for answer in answers} == {code}
    assert grown <= MEMORY_MIB * MIB // 2 + SLACK_BYTES


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="param_a"\r\n\r\n' + b"x" * (MAX_FORM_BYTES + 1),
        b'Content-Disposition: form-data; name="param_a"\r\nContent-Encoding: gzip\r\n\r\n'
        + gzip.compress(bytes(1 << 24)) * 64,
        b'Content-Disposition: form-data; name="param_a"\r\nContent-Encoding: deflate\r\n\r\n'
        + zlib.compress(bytes(1 << 28)),
        b'Content-Disposition: form-data; name="param_a"\r\nContent-Transfer-Encoding: base64'
        b"\r\n\r\n" + b"eHh4" * MIB,
        b'Content-Disposition: form-data; name="t"; filename="t"\r\n\r\n' + b"x" * (64 * MIB),
    ],
    ids=["large", "gzip", "deflate", "base64", "file"],
)
def test_a_form_is_bounded_and_nothing_in_it_is_opened(small: EngineProcess, part: bytes) -> None:
    """Parameters are taken as they were sent, a mebibyte in all."""
    form = b"--x\r\n" + part + b"\r\n--x--\r\n"
    answers: list[Answer] = []

    def ask() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers.extend(
                threads.map(
                    lambda _: small.ask(
                        form,
                        headers={"Content-Type": "multipart/form-data; boundary=x"},
                        query="SELECT length({a:String})",
                        user="analyst",
                    ),
                    range(AT_ONCE),
                )
            )

    grown = peak_bytes(small, ask)

    assert all(answer.code in (48, 229, 457) or len(answer.body) < 9 for answer in answers)
    # A parameter is held as bytes, as text and as the literal that the engine reads.
    assert grown <= AT_ONCE * 8 * MAX_FORM_BYTES + SLACK_BYTES


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(groupArray(number)) FROM numbers(1000000000)",
        "SELECT length(arrayMap(x -> toString(x), range(100000000)))",
        "SELECT repeat('x', 1000000000)",
        "SELECT uniqExact(toString(number)) FROM numbers(1000000000)",
        "SELECT 1 WHERE 1 IN (SELECT number FROM numbers(1000000000))",
    ],
)
def test_what_ten_analysts_compute_at_once_is_half_of_the_engines_memory(
    small: EngineProcess, sql: str
) -> None:
    """Each has its share, and the number of threads is limited."""
    codes: list[int] = []

    def ask() -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = threads.map(
                lambda _: small.analyst(f"{sql} FORMAT Null", max_execution_time="5"),
                range(AT_ONCE),
            )
            codes.extend(answer.code for answer in answers)

    grown = peak_bytes(small, ask)

    assert set(codes) <= {159, 241, 131, 173}
    assert grown <= MEMORY_MIB * MIB // 2 + SLACK_BYTES
