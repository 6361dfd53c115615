"""Creates the product's consumers; Faust creates its own, in streams/faust/consumer_thread.py.

No other file creates any: what `install` replaces in aiokafka limits how much memory an opened
record batch takes.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.fetch.fetcher_seam import install


def new_consumer(**options: Any) -> AIOKafkaConsumer:
    """An aiokafka consumer with *options*, not started, that opens record batches within bounds."""
    install()
    return AIOKafkaConsumer(**options)
