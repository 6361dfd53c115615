"""The HTTP interface answers as a ClickHouse server does."""

from __future__ import annotations

import base64
import gzip
import subprocess
import zlib
from collections.abc import Callable

import lz4.frame
import pytest

from engine_http.http.encodings import zstd
from engine_http.http.frames import frame, frames
from tests.engine_http.process import EngineProcess


@pytest.mark.parametrize("path", ["/ping", "/", "/replicas_status"])
def test_health_paths_say_ok(engine: EngineProcess, path: str) -> None:
    """Load balancers and clients request these without a query."""
    answer = engine.ask(method="GET", path=path)

    assert (answer.status, answer.text) == (200, "Ok.\n")


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status"])
def test_head_is_get_without_a_body(engine: EngineProcess, path: str) -> None:
    """Load balancers use HEAD; OPTIONS names the methods."""
    answer = engine.ask(method="HEAD", path=path)

    assert (answer.status, answer.body) == (200, b"")
    assert engine.ask(method="OPTIONS", path="/").headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_statement_without_a_result_has_no_format(engine: EngineProcess) -> None:
    """Clients try to read a body when a format is named."""
    for sql, user in (
        ("CREATE DATABASE IF NOT EXISTS fasttrack", "default"),
        ("SET max_block_size = 1", "default"),
        ("SET join_use_nulls = 1", "analyst"),
        ("USE fasttrack", "analyst"),
    ):
        assert "x-clickhouse-format" not in engine.ask(sql, user=user).headers
    assert engine.ask("SELECT 1 WHERE 0").headers["x-clickhouse-format"] == "TabSeparated"


@pytest.mark.parametrize(
    ("sql", "body"),
    [
        ("SELECT nothing FROM fasttrack.t", ""),
        ("SELECT throwIf(1), * FROM fasttrack.t", ""),
        ("SELECT 1 SETTINGS max_threads = 'x'", ""),
        ("INSERT INTO fasttrack_store.t FORMAT TSV", "nope"),
        ("INSERT INTO fasttrack_store.t FORMAT Native", "nope"),
        ("INSERT INTO fasttrack_store.t FORMAT Parquet", "nope"),
        ("INSERT INTO fasttrack_store.t (nope) FORMAT JSONEachRow", "{}"),
        ("INSERT INTO fasttrack_store.t FORMAT NoSuchFormat", "x"),
        ("INSERT INTO fasttrack_store.t FORMAT VALUES", "(1, nope)"),
    ],
)
def test_an_error_names_nothing_that_the_client_did_not_write(
    engine: EngineProcess, sql: str, body: str
) -> None:
    """Neither pipes nor files in memory nor statements' tags."""
    answer = engine.ask(body, query=sql)

    assert answer.status >= 400
    for word in ("/dev/fd", "/proc/self", "OUTFILE", "INFILE", "log_comment", "proc/"):
        assert word not in answer.text


def test_unknown_path_is_404(engine: EngineProcess) -> None:
    """Nothing but the server's paths answers."""
    assert engine.ask(method="GET", path="/play/x").status == 404


def test_curl_works_as_the_manual_shows(engine: EngineProcess) -> None:
    """A query in the URL, and a query as the body."""
    by_url = subprocess.run(
        ["curl", "-sS", f"{engine.url}/?query=SELECT+1"], capture_output=True, check=True
    )
    by_body = subprocess.run(
        ["curl", "-sS", engine.url, "--data-binary", "@-"],
        input=b"SELECT 2",
        capture_output=True,
        check=True,
    )

    assert (by_url.stdout, by_body.stdout) == (b"1\n", b"2\n")


def test_answer_headers_say_what_the_statement_did(engine: EngineProcess) -> None:
    """Id, format, zone, name and counts are in the headers."""
    answer = engine.ask("SELECT number FROM numbers(10) FORMAT JSONEachRow", query_id="named")

    assert answer.headers["x-clickhouse-query-id"] == "named"
    assert answer.headers["x-clickhouse-format"] == "JSONEachRow"
    assert answer.headers["x-clickhouse-timezone"] in ("UTC", "Etc/UTC")
    assert answer.headers["x-clickhouse-server-display-name"]
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.summary["read_rows"] == answer.summary["result_rows"] == 10


@pytest.mark.parametrize(
    ("sql", "arguments", "status", "code"),
    [
        ("SELECT FROM WHERE", {}, 400, 62),
        ("SELECT 1; SELECT 2", {}, 400, 62),
        ("", {"query": " "}, 400, 62),
        ("SELECT * FROM nowhere", {}, 404, 60),
        ("SELECT nothing", {}, 404, 47),
        ("SELECT nofunction(1)", {}, 404, 46),
        ("SELECT 1", {"database": "nowhere"}, 404, 81),
        ("SELECT 1", {"no_such_setting": "1"}, 404, 115),
        ("SELECT 1 SETTINGS no_such_setting = 1", {}, 404, 115),
        ("SELECT 1 FORMAT NoSuchFormat", {}, 404, 73),
        ("SELECT {x:Int32}", {}, 500, 456),
        ("SELECT toInt32('x')", {}, 400, 6),
        ("SELECT throwIf(1)", {}, 500, 395),
        ("SELECT 1", {"user": "nobody"}, 403, 516),
        ("SELECT 1", {"password": "wrong"}, 403, 516),
        ("SELECT 1", {"role": "owner2"}, 403, 512),
        ("SELECT 1", {"session_id": "x", "session_timeout": "99999"}, 500, 374),
        ("SELECT 1", {"session_id": "x", "session_check": "1"}, 500, 372),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", {}, 500, 358),
        ("SELECT 1", {"default_format": "TSV SETTINGS max_threads = 1"}, 404, 73),
        ("SELECT 1 FORMAT `a\r\nb: c`", {}, 404, 73),
        ("SELECT 1", {"query_id": "a\r\nb: c"}, 400, 36),
    ],
)
def test_errors_carry_the_servers_code_and_status(
    engine: EngineProcess, sql: str, arguments: dict[str, str], status: int, code: int
) -> None:
    """Code in header and text, status as the server maps it."""
    answer = engine.ask(sql, arguments)

    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_long_urls_are_read(engine: EngineProcess) -> None:
    """Parameters travel in the URL, up to a server's limit."""
    long = "x" * 500_000

    assert engine.value("SELECT length({p:String})", param_p=long) == "500000"
    assert engine.ask(method="GET", query=f"SELECT '{long[:200_000]}'").status == 200


def test_get_may_only_read(engine: EngineProcess) -> None:
    """GET implies readonly, as on a server."""
    written = engine.ask(method="GET", query="CREATE TABLE default.x (a Int8) ENGINE = Memory")
    inserted = engine.ask(method="GET", query="INSERT INTO fasttrack_store.t VALUES (9, 'x')")

    assert (written.code, inserted.code) == (164, 164)
    assert engine.ask(method="GET", query="SELECT 1").text == "1\n"
    assert engine.ask(method="GET", query="SELECT 1", user="analyst").text == "1\n"


def test_every_way_to_sign_in_works(engine: EngineProcess) -> None:
    """Basic, headers, parameters; two ways at once are refused, and so is a password."""
    basic = {"Authorization": "Basic " + base64.b64encode(b"analyst:").decode()}
    headers = {"X-ClickHouse-User": "analyst", "X-ClickHouse-Key": ""}
    write = "CREATE DATABASE x"

    assert engine.ask(write, headers=basic).code == 497
    assert engine.ask(write, headers=headers).code == 497
    assert engine.ask(write, user="analyst").code == 497
    assert engine.ask(write, headers={**basic, **headers}).code == 516
    assert engine.ask("SELECT 1", headers={"X-ClickHouse-Key": "secret"}).code == 516
    assert engine.ask("SELECT 1", headers={"Authorization": "Bearer x"}).code == 516


def test_parameters_are_values_and_never_sql(engine: EngineProcess) -> None:
    """`{name:Type}` takes the value of `param_name`, escaped as a server reads it."""
    answer = engine.ask(
        "SELECT {text:String}, {many:Array(Int32)}, {what:Identifier} FROM fasttrack.t LIMIT 1",
        param_text="'; DROP TABLE x --",
        param_many="[1,2]",
        param_what="b",
    )

    assert answer.text == "\\'; DROP TABLE x --\t[1,2]\tone\n"


def test_settings_of_the_url_hold_for_one_statement(engine: EngineProcess) -> None:
    """The next request starts from the defaults."""
    ask = "SELECT getSetting('max_block_size')"

    assert engine.value(ask, max_block_size="77") == "77"
    assert engine.value(ask) != "77"


def test_statement_may_begin_in_the_url_and_end_in_the_body(engine: EngineProcess) -> None:
    """Both are joined, as the server does."""
    assert engine.value("+ 1", query="SELECT 41") == "42"


def test_default_format_is_used_when_the_statement_names_none(engine: EngineProcess) -> None:
    """As a parameter or as a header."""
    assert engine.value("SELECT 1 AS x", default_format="JSONEachRow") == '{"x":1}'
    answer = engine.ask("SELECT 1 AS x FORMAT TSV", headers={"X-ClickHouse-Format": "JSON"})
    assert answer.text == "1\n"


@pytest.mark.parametrize(
    ("name", "unpack"),
    [
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
        ("zstd", zstd.decompress),
        ("lz4", lz4.frame.decompress),
    ],
)
@pytest.mark.parametrize("rows", [10, 400_000])
def test_results_are_compressed_when_asked(
    engine: EngineProcess, name: str, unpack: Callable[[bytes], bytes], rows: int
) -> None:
    """Small results at once, large ones as a stream; never without enable_http_compression."""
    answer = engine.ask(
        f"SELECT number FROM numbers({rows})",
        headers={"Accept-Encoding": f"{name}, br;q=0.1"},
        enable_http_compression="1",
    )

    assert answer.headers["content-encoding"] == name
    assert unpack(answer.body).count(b"\n") == rows
    plain = engine.ask("SELECT 1", headers={"Accept-Encoding": name})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("rows", [0, 10, 400_000])
@pytest.mark.parametrize("user", ["default", "analyst"])
def test_results_are_sent_in_frames_when_asked(engine: EngineProcess, rows: int, user: str) -> None:
    """`compress=1` is the default of Java and Go clients; HTTP compression is not added."""
    answer = engine.ask(
        f"SELECT number FROM numbers({rows})",
        headers={"Accept-Encoding": "gzip"},
        compress="1",
        enable_http_compression="1",
        user=user,
    )

    assert "content-encoding" not in answer.headers
    plain = b"".join(frames(iter([answer.body]), check=True))
    assert plain == b"".join(b"%d\n" % number for number in range(rows))


def test_what_is_sent_in_frames_is_decompressed_and_verified(
    engine: EngineProcess, table: str
) -> None:
    """A statement, and the rows of an INSERT; a wrong checksum is 40."""
    insert = f"INSERT INTO {table} FORMAT JSONEachRow"
    stored = engine.ask(frame(b'{"id":"1"}'), query=insert, decompress="1")
    damaged = frame(b'{"id":"2"}')[:-1] + b"x"

    assert engine.ask(frame(b"SELECT 1"), decompress="1").text == "1\n"
    assert stored.summary["written_rows"] == 1
    assert engine.ask(damaged, query=insert, decompress="1").code == 40
    assert engine.ask("SELECT throwIf(1)", compress="1").text.startswith("Code: 395.")


def test_unknown_or_wrong_encoding_of_a_body_is_an_error(engine: EngineProcess) -> None:
    """89 for an unknown encoding, 271 for a body that is not in its encoding."""
    assert engine.ask("SELECT 1", headers={"Content-Encoding": "snappy"}).code == 89
    assert engine.ask("SELECT 1", headers={"Content-Encoding": "gzip"}).code == 271


def test_form_fields_count_as_parameters(engine: EngineProcess) -> None:
    """Clients may send long parameters as a multipart form."""
    head = '--x\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    fields = head.format("query", "", "SELECT {a:Int8}") + head.format("param_a", "", "7")

    assert engine.ask(fields + "--x--\r\n", headers=kind).text == "7\n"
