"""A normal batch in an odd envelope: types, encodings, keys, queries, methods, paths, headers."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from tests.system.fuzz.case import BULK, DOCUMENTED, JSON, Case, Secrets, request
from tests.system.fuzz.items import valid_item

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TAKEN, FORBIDDEN, NO_TYPE = frozenset({204}), frozenset({403}), frozenset({415})
NO_BATCH, EITHER = frozenset({422}), frozenset({204, 422})
LOOKS: Final = frozenset({200, 204, 400, 403, 404, 405, 413, 415, 422})


def _case(rng: Random, unique: str, what: str, expected: frozenset[int]) -> tuple[bytes, Case]:
    text, valid = valid_item(rng, unique)
    reuse = rng.random() < 0.7
    case = Case(what=f"envelope: {what}", sends=(), expected=expected, fresh=not reuse)
    return b"[" + text + b"]", replace(case, valid={0: valid}, size=1)


TYPES: Final = {
    b"application/json": TAKEN, b"Application/JSON ; charset=utf-16": TAKEN, b"text/json": TAKEN,
    b"": TAKEN, b";": TAKEN, b"application/json;;;=": TAKEN, b"text/plain": NO_TYPE,
    b"application/jsonx": NO_TYPE, b"application/x-ndjson": NO_TYPE,
    b"multipart/form-data": NO_TYPE, b"application/x-www-form-urlencoded": NO_TYPE,
    b"\xff\xfe": NO_TYPE, b"a" * 5_000: NO_TYPE, b"application/json, text/plain": NO_TYPE,
    b"*/*": NO_TYPE, b'"><script>': NO_TYPE,
}  # fmt: skip


def content_type(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A content type, or none."""
    name, expected = rng.choice(list(TYPES.items()))
    body, case = _case(rng, unique, "content type", expected)
    return replace(case, sends=(request(secrets, body, b"Content-Type: " + name),))


def _bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _gzip(data: bytes) -> bytes:
    # Without the time of day, so that a repeated case has the same bytes.
    return gzip.compress(data, mtime=0)


PACKERS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"gzip": _gzip, b"x-gzip": _gzip, b"GZIP": _gzip,
    b"zstd": zstd.compress, b"deflate": zlib.compress, b" deflate": _bare,
    b"identity": lambda data: data,
}  # fmt: skip


def _at_a_boundary(rng: Random, body: bytes) -> bytes:
    """Bring *body* to a size at which some buffer may be just full: a power of two, or near it."""
    size = rng.choice((1, 2, 3, 4)) * 2 ** rng.choice(range(10, 20)) + rng.choice((-1, 0, 0, 1))
    return body.ljust(size) if rng.random() < 0.5 else body


def encoding(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A content encoding: right, cut off, damaged, doubled, followed by junk, or not the one."""
    name, pack = rng.choice(list(PACKERS.items()))
    plain = name == b"identity"
    body, case = _case(rng, unique, "content encoding", TAKEN)
    if not plain:
        # What is cut off from a plain body might be only the padding.
        body = _at_a_boundary(rng, body)
    packed = pack(body)
    spoilt, expected = packed, TAKEN
    dice = rng.randrange(9)
    if dice == 0:
        spoilt, expected = packed[: rng.randrange(len(packed))], NO_BATCH
    elif dice == 1 and not plain:
        at = rng.randrange(len(packed))
        spoilt, expected = packed[:at] + rng.randbytes(1) + packed[at + 1 :], EITHER
    elif dice == 2 and not plain:
        spoilt, expected = pack(packed), NO_BATCH
    elif dice == 3:
        spoilt, expected = packed + b"\x01junk", NO_BATCH
    elif dice == 4:
        other = rng.choice([one for one in PACKERS.values() if one is not pack])
        spoilt, expected = other(body), EITHER if name.strip() == b"deflate" else NO_BATCH
    elif dice == 5:
        odd = (b"br", b"compress", b"gzip, gzip", b"gzip;q=1", b"\xff", b"identity,", b"x" * 4_000)
        name, expected = rng.choice(odd), NO_TYPE
    elif dice == 6 and not plain:
        spoilt = pack(b" " * rng.choice((10_000, 1_000_000, 4_000_000)) + body)
    elif dice == 7 and not plain and name.strip() != b"deflate":
        half = rng.randrange(len(body))
        spoilt = pack(body[:half]) + pack(b"") + pack(body[half:])
    # Damage may leave valid JSON with other content.
    valid = {} if expected == EITHER else case.valid
    sent = request(secrets, spoilt, JSON, b"Content-Encoding: " + name)
    return replace(case, sends=(sent,), expected=expected, valid=valid)


def key(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A key: none, a wrong one, an odd one; or the right one in another form."""
    good = secrets.fuzz.encode()
    ways: tuple[tuple[tuple[bytes, ...], frozenset[int]], ...] = (
        ((), FORBIDDEN),
        ((b"x-api-key:",), FORBIDDEN),
        ((b"x-api-key: " + good[:-1],), FORBIDDEN),
        ((b"x-api-key: " + good + b"x",), FORBIDDEN),
        ((b"x-api-key: " + good.upper(),), FORBIDDEN),
        ((b"x-api-key: rh_aaaaaaaa_" + b"A" * 43,), FORBIDDEN),
        ((b"x-api-key: \xff\xfe\xe2\x82\xac",), FORBIDDEN),
        ((b"x-api-key: " + b"k" * 6_000,), FORBIDDEN),
        ((b"Authorization: Basic " + good,), FORBIDDEN),
        ((b"Authorization: Bearer",), FORBIDDEN),
        ((b"Cookie: x-api-key=" + good,), FORBIDDEN),
        ((b"x-api-key: nonsense", b"Authorization: Bearer " + good), FORBIDDEN),
        ((b"Authorization: bEARER   " + good,), TAKEN),
        ((b"X-API-KEY:\t" + good + b" \t",), TAKEN),
        ((b"x-api-key: " + good, b"x-api-key: other"), TAKEN | FORBIDDEN | {400}),
    )
    lines, expected = rng.choice(ways)
    body, case = _case(rng, unique, "key", expected)
    # A key in the query does not count; an unknown parameter is refused after a good key.
    query = b"" if TAKEN & expected else b"?key=" + good
    top = b"POST %s%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d" % (BULK, query, len(body))
    return replace(case, sends=(b"\r\n".join((top, *lines)) + b"\r\n\r\n" + body,))


QUERIES: Final = (
    b"?", b"?&&&", b"?report", b"?report=", b"?report=0", b"?report=1", b"?report=1&report=0",
    b"?report=TRUE", b"?report=%31", b"?rep%6Frt=1", b"?report=\xff", b"?%", b"?%zz=%", b"?%00=%00",
    b"?report=%ff%fe", b"?a=" + b"b" * 4_000, b"?" + b"a&" * 1_000, b"?report=1;x",
    b"?tenant=other", b"?report=1#x", b"??report=1", b"?__proto__[x]=1", b"?report=+1",
    b"?report=1%0d%0aX: y", b"?dryrun=1", b"?DRY_RUN=1", b"?dry-run=1", b"?dry_run=2",
)  # fmt: skip


def query(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A query string."""
    body, case = _case(rng, unique, "query", frozenset({200, 204, 400}))
    return replace(case, sends=(request(secrets, body, JSON, query=rng.choice(QUERIES)),))


METHODS: Final = (
    b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"HEAD", b"CONNECT", b"PROPFIND",
    b"SUBSCRIBE", b"M-SEARCH", b"FOO", b"post", b"P\xc3\x96ST", b"POST" * 300, b"PRI", b"\x00POST",
    b"@",
)  # fmt: skip


def method(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A method."""
    name = rng.choice(METHODS)
    quits = name == b"CONNECT"
    # CONNECT names no path, and makes what follows another protocol.
    body, case = _case(rng, unique, "method", frozenset({400, 404 if quits else 405}))
    sent = request(secrets, body, JSON, method=name)
    return replace(
        case, sends=(sent,), head=name == b"HEAD", fresh=True, may_close=quits, wait_seconds=5
    )


PATHS: Final = (
    b"/", b"//", b"/api", BULK + b"/", b"/" + BULK, BULK.upper(), BULK.replace(b"bulk", b"%62ulk"),
    BULK.replace(b"/v1", b"/x/../v1"), BULK.replace(b"/v1", b"/./v1"), b"/../../etc/passwd", b"*",
    b"x", b"/%2e%2e/%2e%2e/etc/passwd", b"/%00", b"/%ff", b"/\xff", b"/" + b"a" * 7_000,
    b"/docs/../docs", b"http://127.0.0.1" + BULK, b"http://[::1", b"http://", b"//host" + BULK,
    b"/docs", b"/docs/", b"/openapi.json", b"/openapi.json?x=%", b"/health/live", b"/health/ready",
    b"/health/..;/metrics", b"/metrics", b"/openapi.json/../../x", b"/static/%2e%2e", b"/;", b"/?",
    b"/#", b"\\", b"/ x", b"ftp://x/y", b"http://u:p@h:99999/", b"/\xe2\x82\xac",
    b"/docs/%2e%2e%2fopenapi.json",
)  # fmt: skip


def path(rng: Random, unique: str, secrets: Secrets) -> Case:
    """A path, with any common method."""
    del unique
    verb = rng.choice((b"GET", b"GET", b"POST", b"HEAD", b"OPTIONS", b"DELETE"))
    head = b"%s %s HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 2\r\n\r\n[]"
    sent = head % (verb, rng.choice(PATHS), secrets.fuzz.encode())
    return Case(what="envelope: path", sends=(sent,), expected=LOOKS, head=verb == b"HEAD")


HEADERS: Final = (
    b"X-Request-Id: ok-1", b"X-Request-Id: \xff", b"X-Request-Id: " + b"a" * 5_000,
    b"X-Request-Id:", b"X-Request-Id: ' OR 1=1", b"Expect: 100-continue", b"Expect: 100-Continue",
    b"Expect: x", b"Connection: close", b"Connection: keep-alive, \xff",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    b"TE: trailers", b"Range: bytes=0-1", b"If-None-Match: *", b"If-Modified-Since: \xff",
    b"Cookie: a=b; " * 300, b"X-Forwarded-For: ::1", b'Forwarded: for="_x"', b"Host: other",
    b"Host:", b"Accept: \x80", b"Accept-Encoding: gzip;q=NaN", b"Content-Type: text/plain",
    b"Transfer-Encoding:", b"Date: x", b"\r\n".join(b"X-%d: y" % number for number in range(100)),
    b"X: " + b"y" * 7_000, b"Keep-Alive: x", b"Origin: null", b"Access-Control-Request-Method: X",
    b"Content-Range: bytes */*", b"Trailer: x",
)  # fmt: skip


def header(rng: Random, unique: str, secrets: Secrets) -> Case:
    """More header lines that may have a meaning."""
    lines = rng.sample(HEADERS, rng.choice((1, 1, 2, 4)))
    body, case = _case(rng, unique, "headers", DOCUMENTED - {408})
    sent = request(secrets, body, JSON, *lines)
    # An upgrade, or a TE without a value, must only end.
    loose = any(b"Upgrade" in line or b"Transfer" in line for line in lines)
    return replace(case, sends=(sent,), fresh=True, may_close=loose, valid={}, wait_seconds=5)
