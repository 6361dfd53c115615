"""The command `check`: judges sample items or records offline, before anybody sends them."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from events.contract.registry import BY_TOPIC
from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_data_dir
from railhead.dead_letters.plain_text import visible
from railhead.paths import tenants_file
from railhead.sample_check import BAD, Sample, SampleCheck, SampleOutcome, SampleOwner
from railhead.send.reading import UnreadableError, items, opened
from tenants.id_rules import read_rules
from tenants.tenants_file import TenantsFileError, read_tenants

AT_ONCE: Final = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    parser.description = (
        "Judge the items of FILE as ingest API and workers do, without a running part: a JSON "
        "array or one item a line, plain or gzip; - reads standard input. With --topic each line "
        "is the value of a record of that topic. Exit code 1 if any is rejected, or a conflict "
        "with an earlier one."
    )
    parser.add_argument("file", metavar="FILE", help="file of items or record values, or -")
    parser.add_argument(
        "--topic",
        type=_topic,
        metavar="TOPIC",
        help="judge values of records of this topic: whole items, or their data alone",
    )
    parser.add_argument(
        "--tenant",
        metavar="NAME",
        help="judge by this tenant's rules, of the tenants file (default: the contract's)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_data_dir(parser)


def _topic(text: str) -> str:
    if text not in BY_TOPIC:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(BY_TOPIC)}")
    return text


def run(args: argparse.Namespace) -> int:
    """Print the outcome of each sample; 0 if each is valid, or a duplicate."""
    owner = _owner(args.tenant, tenants_file(args.data_dir)) if args.tenant else SampleOwner()
    check = SampleCheck(owner, BY_TOPIC[args.topic] if args.topic else None)
    counts, documents = Counter[str](), []
    try:
        with opened(args.file) as source:
            for one in _outcomes(check, source.plain):
                counts[one.outcome] += 1
                if args.json:
                    documents.append(_as_document(one))
                else:
                    print(_line(one))
    except (UnreadableError, OSError) as error:
        raise CommandError(f"{args.file}: {error}", code=2) from None
    if args.json:
        print(json.dumps({"counts": counts, "outcomes": documents}, indent=1))
    else:
        said = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        print(f"{counts.total():,} samples{said and f': {said}'}")
    return 1 if BAD & counts.keys() else 0


def _outcomes(check: SampleCheck, file: BinaryIO) -> Iterator[SampleOutcome]:
    samples = (Sample(one.position, one.raw) for one in items(file))
    while some := list(islice(samples, AT_ONCE)):
        yield from check.outcomes(some)


def _owner(tenant: str, path: Path) -> SampleOwner:
    try:
        rules, known = read_rules(path), read_tenants(path).tenants.get(tenant)
    except TenantsFileError as error:
        raise CommandError(str(error), code=2) from None
    if known is None:
        raise CommandError(f"{path} has no tenant {tenant}", code=2)
    return SampleOwner(tenant=tenant, rules=rules, coerce_ids=known.coerce_ids)


def _line(one: SampleOutcome) -> str:
    parts = [f"{one.position}: {one.outcome} {one.event}".rstrip()]
    if one.outcome == "rejected":
        parts.append(f"{one.reason} {one.field}".rstrip())
        parts.append(one.message)
    else:
        parts.append(f"id {one.id}" if one.first is None else f"id {one.id}, as in {one.first}")
    if one.adjusted:
        parts.append(f"not stored exactly as sent: {', '.join(one.adjusted)}")
    if one.what_to_do:
        parts.append(one.what_to_do)
    return visible("; ".join(parts))


def _as_document(one: SampleOutcome) -> dict[str, object]:
    """The fields that say something."""
    return {name: value for name, value in one._asdict().items() if value not in ("", None, ())}
