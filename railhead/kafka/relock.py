"""Writes `jars.txt`, the jars that the wanted Kafka needs; a tool for maintainers.

Run `python -m railhead.kafka.relock`, read the difference, run the end-to-end tests, commit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from jgo.maven import MavenContext

from railhead.kafka.pins import LIST_NAME, Jar, sha256_of

KAFKA: Final = "org.apache.kafka:kafka_2.13:4.4.0"
# The binding Kafka's own distribution ships. Its version must be that of Kafka's log4j-core.
LOG_BINDING: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
HEADER: Final = f"# {KAFKA} and all it needs; written by railhead.kafka.relock\n"


def resolve(context: Any) -> Iterator[Any]:
    """Yield the artifacts of the class path.

    The binding is resolved alone: resolved together with Kafka, the version table of the binding's
    parent overrides Kafka's and mixes a 3.9 client into a 4.x broker.
    """
    inputs, needed = context.resolver.resolve([context.create_dependency(KAFKA)])
    for dependency in [*inputs, *needed, context.create_dependency(LOG_BINDING)]:
        yield dependency.artifact


def lock(artifacts: Iterable[Any]) -> list[Jar]:
    """Fetch each artifact and note what it holds."""
    return sorted(
        Jar(a.groupId, a.artifactId, a.version, sha256_of(a.resolve())) for a in artifacts
    )


def main() -> int:
    """Rewrite the list that lies beside this file."""
    with tempfile.TemporaryDirectory() as area:
        jars = lock(resolve(MavenContext(repo_cache=Path(area), timeout=60)))
    lines = (f"{jar.sha256}  {jar.coordinates}\n" for jar in jars)
    Path(__file__).with_name(LIST_NAME).write_text(HEADER + "".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(jars)} jars\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
