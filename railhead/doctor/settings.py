"""Checks the environment of every process: what is set, without its secrets, and what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from ingest_http.settings import ApiSettings
from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.kafka.topics import TopicSettings
from railhead.stack.addresses import CREDENTIALS
from sinks.settings import StoreSettings
from streams.settings import WorkerSettings

PREFIX: Final = "RAILHEAD_"
CLASSES: Final[tuple[type[BaseSettings], ...]] = (
    ApiSettings,
    WorkerSettings,
    StoreSettings,
    TopicSettings,
)
# Read where they are needed, not by a settings class.
OTHERS: Final = frozenset(
    {"RAILHEAD_DATA_DIR", "RAILHEAD_TENANTS_FILE", "RAILHEAD_CACHE_DIR", "RAILHEAD_KEY"}
)


def variables() -> dict[str, tuple[type[BaseSettings], str]]:
    """Return every environment variable that is a setting, with its class and field."""
    return {
        f"{settings.model_config['env_prefix']}{field}".upper(): (settings, field)
        for settings in CLASSES
        for field in settings.model_fields
    }


def look(environ: Mapping[str, str] = os.environ) -> Iterator[DoctorFinding]:
    """Look at the environment as each process would."""
    known = variables()
    given = {name: text for name, text in sorted(environ.items()) if name.startswith(PREFIX)}
    shown = [f"{name}={_shown(name, text)}" for name, text in given.items()]
    yield ok("settings", ", ".join(shown) or "none is set; every default applies")
    for name in given.keys() - known.keys() - OTHERS:
        yield warn("settings", f"no process reads {name}", "Is it misspelt? See docs/reference.md.")
    wrong = sorted({problem for settings in CLASSES for problem in problems(settings)})
    yield from (
        fail("settings", problem, "Correct it; the process that reads it does not start.")
        for problem in wrong
    )


def problems(settings: type[BaseSettings]) -> Iterator[str]:
    """Say what is wrong with the variables of *settings*, never with which value."""
    try:
        settings()
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            name = f"{settings.model_config['env_prefix']}{'.'.join(map(str, detail['loc']))}"
            if name.upper() not in OTHERS:
                yield f"{name.upper()}: {detail['msg']}"


def _shown(name: str, text: str) -> str:
    """Write a setting's text, or stars for a secret."""
    row = variables().get(name)
    secret = name == "RAILHEAD_KEY" or (
        row is not None and row[0].model_fields[row[1]].annotation is SecretStr
    )
    return "***" if secret and text else CREDENTIALS.sub("//***@", text)
