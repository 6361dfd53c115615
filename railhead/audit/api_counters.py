"""Reads the ingest APIs' own counters, which are independent of the path of the data."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

ITEMS = "railhead_door_items_total"
TIMEOUT_SECONDS = 5.0


class ApiSilentError(Exception):
    """An ingest API's counters could not be read; the text says which and why."""


def read_counters(url: str) -> dict[str, int]:
    """Items by outcome (stored, rejected, not_stored) since the API at *url* started.

    *url* is the API's address, or that of its metrics page.

    Raises:
        ApiSilentError: it does not answer with counters.
    """
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"}:
        raise ApiSilentError(f"{url} is not an http or https address")
    page = (
        parts.geturl() if parts.path not in {"", "/"} else parts._replace(path="/metrics").geturl()
    )
    try:
        # Only http and https come here.
        with urllib.request.urlopen(page, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return sum_items(answer.read().decode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        raise ApiSilentError(f"{page}: {error}") from None


def sum_items(page: str) -> dict[str, int]:
    """Add up the items of a metrics *page* by outcome."""
    outcomes: Counter[str] = Counter()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == ITEMS:
                outcomes[sample.labels.get("fate", "")] += int(sample.value)
    return dict(outcomes)


def sum_apis(counters: Iterable[dict[str, int]]) -> dict[str, int]:
    """Add up several ingest APIs."""
    total: Counter[str] = Counter()
    for outcomes in counters:
        total.update(outcomes)
    return dict(total)
