"""Makes the consumers of the product; Faust makes its own, in streams/faust/transport.py.

No other file does: what `install` replaces in aiokafka bounds what every record batch opens to.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.fetch.fetcher_seam import install


def new_consumer(**options: Any) -> AIOKafkaConsumer:
    """An aiokafka consumer with *options*, not started yet, that opens batches within bounds."""
    install()
    return AIOKafkaConsumer(**options)
