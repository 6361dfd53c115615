"""The only list of event types: model, topic, table and id of each. Adding a type starts here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from events.contract.models import (
    Casino,
    EventData,
    GameRound,
    Login,
    Payment,
    Registration,
    SportsBet,
)

TOPIC_PREFIX: Final = "fasttrack."
REJECTED_TOPIC: Final = "fasttrack.rejected"


@dataclass(frozen=True, slots=True)
class EventType:
    """One row: `name` is the contract's, `id_fields` are the idempotency id within a tenant."""

    name: str
    model: type[EventData]
    table: str
    id_fields: tuple[str, ...]
    description: str

    @property
    def topic(self) -> str:
        """The Kafka topic of the type's items."""
        return TOPIC_PREFIX + self.name


EVENT_TYPES: Final[tuple[EventType, ...]] = (
    EventType(
        name="realtime-casino",
        model=Casino,
        table="casino",
        id_fields=("unique_id",),
        description="FastTrack: Bets and wins, sent as a separate events",
    ),
    EventType(
        name="realtime-payment",
        model=Payment,
        table="payment",
        id_fields=("payment_id",),
        description="FastTrack: Withdrawals or deposits",
    ),
    EventType(
        name="realtime-registration",
        model=Registration,
        table="registration",
        id_fields=("unique_id",),
        description="FastTrack: Player registration and account updates",
    ),
    EventType(
        name="realtime-gameround",
        model=GameRound,
        table="gameround",
        id_fields=("unique_id",),
        description="FastTrack: Bet and possibly Win sent as one event",
    ),
    EventType(
        name="realtime-sports-bet",
        model=SportsBet,
        table="sports_bet",
        id_fields=("activity_id",),
        description="FastTrack: Sports bets and their settlements",
    ),
    EventType(
        name="realtime-login",
        model=Login,
        table="login",
        id_fields=("unique_id",),
        description="FastTrack: Player logins",
    ),
)

BY_NAME: Final[dict[str, EventType]] = {row.name: row for row in EVENT_TYPES}
BY_TOPIC: Final[dict[str, EventType]] = {row.topic: row for row in EVENT_TYPES}
TOPICS: Final = (*BY_TOPIC, REJECTED_TOPIC)
