"""Turns settings into arguments of clickhouse-connect, and its errors into ours."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import aiohttp
from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError
from clickhouse_connect.driver.exceptions import error_name_from_body, scrub_error_details

from sinks.errors import MISCONFIGURED_CODES, MisconfiguredError, Retryable, SinkError, advice_for
from sinks.settings import StoreSettings

NETWORK_ERRORS: Final = (TimeoutError, OSError, aiohttp.ClientError)
# The driver raises its errors, and also prints them unless its logger has a handler.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
_LITERAL: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_ADDRESS: Final = re.compile(r"\s*\(for url [^()]*\)\s*$")
# A syntax error lists everything that a statement may start with: thousands of characters.
_EXPECTED: Final = re.compile(r" Expected one of: .*(?= \([A-Z_]+\)$)", re.DOTALL)
_TEXT_MAX_CHARACTERS: Final = 400
FIRST_ANSWER_SECONDS: Final = 10.0


def client_arguments(settings: StoreSettings) -> dict[str, Any]:
    """Arguments of clickhouse-connect's clients, sync and async.

    Raises:
        OSError: the password file cannot be read.
    """
    url = settings.url
    return {
        "host": url.host,
        "port": url.port,
        "interface": url.scheme,
        "username": settings.user,
        "password": settings.password_text(),
        "ca_cert": None if settings.ca_file is None else str(settings.ca_file),
        "connect_timeout": settings.connect_timeout_seconds,
        "client_name": "railhead",
        # One client serves many statements at once; within a session ClickHouse allows one.
        "autogenerate_session_id": False,
        "query_limit": 0,
        "compress": False,
        "tz_mode": "aware",
    }


def check_answers(settings: StoreSettings) -> None:
    """Connect and disconnect; raises the driver's error if ClickHouse does not answer soon.

    A process that hangs takes connections, and a query may take long for good reasons.
    """
    hasty_client(settings, FIRST_ANSWER_SECONDS).close()


def hasty_client(settings: StoreSettings, answer_seconds: float) -> Client:
    """Connect, and wait *answer_seconds* for each answer; raises the driver's errors."""
    wait = {"connect_timeout": answer_seconds, "send_receive_timeout": answer_seconds}
    return create_client(**(client_arguments(settings) | wait))


def translate(action: str, error: Exception) -> SinkError:
    """Translate *error*, from the driver or the network, into the class that says what to do.

    *action* names what failed, such as "insert into casino". The text of an answer may quote rows,
    so it is passed on only for codes that are about tables and settings, without its literals.
    """
    if not isinstance(error, DriverError):
        return Retryable(f"{action}: no answer from ClickHouse ({type(error).__name__})")
    code = error.code
    if code is None:
        return Retryable(f"{action}: ClickHouse could not be asked ({type(error).__name__})")
    kind = advice_for(code)
    if code in MISCONFIGURED_CODES:
        reason = _LITERAL.sub("…", own_words(str(error)))[:_TEXT_MAX_CHARACTERS]
    else:
        reason = error.name or error_name_from_body(str(error)) or "an error without a name"
        reason += "; an unknown code, so the write is held" if kind is MisconfiguredError else ""
    message = f"{action}: ClickHouse answered {code}: {reason}"
    return kind(message, code=code)


def own_words(text: str) -> str:
    """ClickHouse's own message, without what the driver and the server put around it."""
    framed = _EXPECTED.sub("", scrub_error_details(_ADDRESS.sub("", text)))
    _, _, own = framed.partition("DB::Exception: ")
    return (own or framed).strip()
