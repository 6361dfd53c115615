"""One example item per event type, for documents and tests."""

from __future__ import annotations

from importlib import resources

from events.contract.registry import EventType


def example_text(event_type: EventType) -> str:
    """The example item of a type as JSON text.

    Raises:
        FileNotFoundError: the type has no example yet; add `events/contract/examples/NAME.json`.
    """
    return resources.files(__package__).joinpath(f"{event_type.name}.json").read_text("utf-8")
