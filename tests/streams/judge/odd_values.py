"""JSON that nobody expects: every type, size and malformation, as text."""

from __future__ import annotations

import base64

DEEP = 20_000

# Each is the text of a JSON value, or of something that is none.
ODD_JSON = {
    "true": "true",
    "false": "false",
    "null": "null",
    "zero": "0",
    "minus zero": "-0",
    "negative": "-1",
    "int32": str(2**31),
    "int64": str(2**63),
    "the largest int64": str(2**63 - 1),
    "beyond int64": str(-(2**63) - 1),
    "uint64": str(2**64),
    "huge": "9" * 5_000,
    "float": "1.5",
    "a whole float": "3.0",
    "exponent": "1e3",
    "beyond double": "1e400",
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "empty string": '""',
    "string": '"text"',
    "digits": '"7"',
    "NUL": '"\\u0000"',
    "control characters": '"\\u001b[31m\\u0085\\u202e"',
    "half a surrogate pair": '"\\ud800"',
    "the other half": '"\\udc00x"',
    "a surrogate pair": '"\\ud83d\\ude00"',
    "long string": '"' + "x" * 300_000 + '"',
    "bad escape": '"\\x"',
    "year 0": '"0000-01-01T00:00:00Z"',
    "year 1": '"0001-01-01T00:00:00+14:00"',
    "year 1899": '"1899-12-31T23:59:59Z"',
    "year 2300": '"2300-01-01T00:00:00Z"',
    "year 9999": '"9999-12-31T23:59:59.999999-14:00"',
    "no offset": '"2026-01-01T00:00:00"',
    "a date": '"2026-01-01"',
    "a time": '"2026-01-01T00:00:00Z"',
    "empty array": "[]",
    "array": "[1, [2, {}]]",
    "empty object": "{}",
    "object": '{"a": {"b": [true]}}',
    "name twice": '{"a": 1, "a": 2}',
    "deep array": "[" * DEEP + "]" * DEEP,
    "deep object": '{"a":' * DEEP + "1" + "}" * DEEP,
    "cut off": '{"a"',
    "nothing": "",
    "two values": "1 2",
}

ODD_BYTES = {
    "null": None,
    "empty": b"",
    "one byte": b"\x00",
    "no UTF-8": b"\xff\xfe\x00",
    "overlong UTF-8": b'{"reason": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"reason": "\xed\xa0\x80"}',
    "byte order mark": b'\xef\xbb\xbf{"reason": "r"}',
    "UTF-16": '{"reason": "r"}'.encode("utf-16"),
    "base64": base64.b64encode(bytes(range(256))),
    "white space": b" \t\r\n",
    "a megabyte": b"x" * 2**20,
}
