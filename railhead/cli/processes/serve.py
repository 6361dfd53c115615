"""The command `serve`: the ingest API, HTTP in, Kafka out, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import os
import resource
import sys
from typing import Any

import uvloop
from pydantic import ValidationError

from ingest_http.logs import set_up_logging
from ingest_http.server import ApiBrokenError, serve
from ingest_http.settings import ApiSettings
from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_data_dir
from railhead.paths import default_data_dir, tenants_file
from railhead.stack.addresses import KAFKA_ENDPOINT, read_record, resolve
from tenants.tenants_file import TenantsFileError

# Its number in malloc.h; see mallopt(3).
M_TOP_PAD = -2
HEAP_KEPT_BYTES = 64 * 2**20


OPTIONS = {
    "http_host": "--host",
    "http_port": "--port",
    "metrics_port": "--metrics-port",
    "kafka_bootstrap": "--bootstrap",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the few settings that are handy on a command line."""
    for field, option in OPTIONS.items():
        description = ApiSettings.model_fields[field].description
        parser.add_argument(option, dest=field, help=f"{description} (RAILHEAD_{field.upper()})")
    add_data_dir(parser)


def run(args: argparse.Namespace) -> int:
    """Serve; 2 if the settings are wrong, 1 if the tenants file or the port cannot be used."""
    try:
        settings = read_settings(args)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "RAILHEAD_" + "_".join(map(str, problem["loc"])).upper()
            print(f"railhead serve: {name}: {problem['msg']}", file=sys.stderr)
        return 2
    set_up_logging(settings.log_level)
    _raise_file_limit()
    _keep_freed_memory()
    # What is loaded by now stays loaded; the collector need not walk it again and again.
    gc.freeze()
    try:
        uvloop.run(serve(settings))
    except (ApiBrokenError, TenantsFileError, OSError) as error:
        raise CommandError(str(error)) from None
    return 0


def _raise_file_limit() -> None:
    # Each connection is an open file; the usual soft limit of 1,024 is for programs of select().
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _keep_freed_memory() -> None:
    # glibc gives the end of its heap back when a batch is done and asks for it again with the next:
    # a page fault in seven events, a twentieth of the API's time. So this much of it is kept.
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_TOP_PAD, HEAP_KEPT_BYTES)


def read_settings(args: argparse.Namespace) -> ApiSettings:
    """The command line's settings over those of the environment."""
    given: dict[str, Any] = {
        field: value for field in OPTIONS if (value := getattr(args, field)) is not None
    }
    record = read_record(args.data_dir or default_data_dir())
    option = args.kafka_bootstrap
    kafka = resolve(KAFKA_ENDPOINT, option=option, environ=os.environ, record=record)
    given["kafka_bootstrap"] = kafka.value
    if args.data_dir is not None or not os.environ.get("RAILHEAD_TENANTS_FILE"):
        given["tenants_file"] = tenants_file(args.data_dir)
    return ApiSettings(**given)
