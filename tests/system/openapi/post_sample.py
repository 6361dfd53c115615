"""Posts the contract's sample with the Python client that was generated from /openapi.json.

Run in the folder of the generated package, in an environment that has its libraries:
`python post_sample.py stored|unready URL KEY SAMPLE`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "railhead_ingest_api_client"
# All of these are of the generated client's environment, not of the tests'.
httpx: Final[Any] = import_module("httpx")
generated: Final[Any] = import_module(PACKAGE)
models: Final[Any] = import_module(f"{PACKAGE}.models")
post: Final[Any] = import_module(f"{PACKAGE}.api.events.push_fast_track_events").sync_detailed
is_ready: Final[Any] = import_module(f"{PACKAGE}.api.health.is_ready").sync_detailed
is_live: Final[Any] = import_module(f"{PACKAGE}.api.health.is_live").sync_detailed
CLASSES: Final[dict[str, Any]] = {
    "realtime-casino": models.RealtimeCasino,
    "realtime-payment": models.RealtimePayment,
}
Change = Callable[[Any], Any]


class Changed:
    """A transport of httpx that sends requests as *change* makes them.

    The generated client itself makes no wrong ones.
    """

    def __init__(self, change: Change) -> None:
        self._change = change
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: Any) -> Any:
        """Send the changed request."""
        return self._inner.handle_request(self._change(request))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def client_of(url: str, key: str, change: Change = lambda request: request) -> Any:
    """The generated client, with the tenant's key as its token."""
    return generated.AuthenticatedClient(
        base_url=url, token=key, timeout=30.0, httpx_args={"transport": Changed(change)}
    )


def stored(url: str, key: str, items: list[Any]) -> None:
    """Have the sample stored, reported on and refused in several ways."""
    client = client_of(url, key)
    answer = post(client=client, body=items)
    assert (answer.status_code, answer.parsed) == (204, None), answer
    assert answer.headers["X-Railhead-Rejected"] == "0"

    items[0].data.unique_id = ""
    report = post(client=client, body=items, report=models.Flag.VALUE_1).parsed
    assert isinstance(report, models.Report)
    assert [one.outcome for one in report.outcomes] == [
        models.Outcome.REJECTED,
        models.Outcome.ACCEPTED,
        models.Outcome.ACCEPTED,
    ]
    assert report.outcomes[0].reason is models.Reason.EMPTY_ID
    assert report.counts.accepted == 2

    for name, change in WRONG.items():
        refusal = post(client=client_of(url, key, change), body=items).parsed
        assert type(refusal) is getattr(models, name), (name, refusal)
    assert type(post(client=client_of(url, "other"), body=items).parsed) is models.ForbiddenError
    too_many = post(client=client, body=[items[1]] * 50_001).parsed
    assert type(too_many) is models.TooManyItemsError
    assert too_many.limit_items == 50_000

    assert is_ready(client=client).parsed == models.Readiness(ready=True, reasons=[])
    assert is_live(client=client).parsed == models.Liveness(live=True)


def unready(url: str, key: str, items: list[Any]) -> None:
    """Be refused by an API that has no broker."""
    client = client_of(url, key)
    answer = post(client=client, body=items)
    assert type(answer.parsed) is models.NotReadyError, answer
    assert int(answer.headers["Retry-After"]) > 0
    readiness = is_ready(client=client)
    assert (readiness.status_code, readiness.parsed.ready) == (503, False)
    assert readiness.parsed.reasons


def remade(request: Any, **changed: Any) -> Any:
    """The request with another method, URL, header or body."""
    headers = {**request.headers, **changed.pop("headers", {})}
    content = changed.pop("content", None) or request.read()
    if len(content) != int(headers["content-length"]):
        headers["content-length"] = str(len(content))
    kept = {"method": request.method, "url": request.url, **changed}
    return httpx.Request(**kept, headers=headers, content=content)


WRONG: Final[dict[str, Change]] = {
    "UnknownParameterError": lambda one: remade(one, url=f"{one.url}?dryrun=1"),
    "MethodNotAllowedError": lambda one: remade(one, method="PUT"),
    "MediaTypeError": lambda one: remade(one, headers={"content-type": "text/plain"}),
    "ContentEncodingError": lambda one: remade(one, headers={"content-encoding": "br"}),
    "NotABatchError": lambda one: remade(one, content=b"{}"),
}

if __name__ == "__main__":
    part, url_of_api, key_of_tenant, sample = sys.argv[1:]
    sent = [CLASSES[one["event"]].from_dict(one) for one in json.loads(Path(sample).read_bytes())]
    {"stored": stored, "unready": unready}[part](url_of_api, key_of_tenant, sent)
