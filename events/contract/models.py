"""The contract's fields as pydantic models: what the `data` of each event type may hold.

Transcribed from the published page, in its order and its words. The JSON schema, the row classes,
the column types and the documents are all derived from these classes. They judge values that
`events.check.exact` has read from JSON text (`model_validate`); pydantic's own JSON reader would
turn amounts into binary floats on the way, and `Amount` refuses those.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from events.contract.nulls import NeverNull
from events.values.amounts import Amount
from events.values.instants import Instant, OptionalInstant

CurrencyCode = Annotated[str, Field(description="ISO-4217 currency code")]
IdempotencyId = Annotated[str, Field(description="This field is used for idempotency")]


class Contract(BaseModel):
    """Strict JSON types, unknown fields ignored, at every level."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class EventData(Contract):
    """The fields every event type has."""

    user_id: str
    timestamp: Instant
    entry_timestamp: OptionalInstant = None
    process_timestamp: OptionalInstant = None


class Casino(EventData):
    """FastTrack: Casino Event Data"""  # noqa: D415 - the page's words go into the schema

    unique_id: IdempotencyId
    game_id: str
    round_id: str
    type: Annotated[
        Literal["bet", "win", "loss", "rollbackbet", "rollbackwin"],
        Field(description="Casino event type"),
    ]
    amount: Amount
    currency: CurrencyCode
    bonus_wager_amount: Amount


class Payment(EventData):
    """FastTrack Payment Event Data"""  # noqa: D415 - the page's words go into the schema

    payment_id: IdempotencyId
    type: str
    status: str
    amount: Amount
    currency: CurrencyCode
    base_amount: Amount = Decimal(0)
    vendor_name: str


class Registration(EventData):
    """FastTrack: Player registration and account update details"""  # noqa: D415 - as above

    unique_id: IdempotencyId
    username: Annotated[str, Field(description="Player username")]
    registration_date: Instant
    country: str
    currency: str
    gender: str | None
    consent_email: bool | None
    segmentation_isPromoBanned: bool | None = None  # noqa: N815 - the contract's name


class GameRound(EventData):
    """FastTrack: GameRound Event Data"""  # noqa: D415 - the page's words go into the schema

    unique_id: Annotated[
        str, Field(description="This field is used for idempotency and as round_id")
    ]
    game_id: str
    user_currency: Annotated[
        str, Field(description="ISO-4217 currency code or crypto currency code")
    ]
    meta_reporting_currency: Annotated[str | None, Field(description="ISO-4217 currency code")] = (
        None
    )
    bonus_bet_user: Amount
    total_bet_user: Amount
    total_bet_base: Amount = Decimal(0)
    bonus_win_user: Amount
    total_win_user: Amount
    total_win_base: Amount = Decimal(0)


class Leg(Contract):
    """One bet of a sports bet slip, as far as the page shows it: the page is cut off here."""

    is_free_bet: bool = False
    is_risk_free_bet: bool = False
    is_live: bool = False
    tournament_name: str
    sports_name: str
    odds: Amount
    event_name: str | None = None
    market: str | None = None
    match_start: OptionalInstant = None
    outcomes: Annotated[list[dict[str, Any]] | None, NeverNull] = None
    meta: Annotated[dict[str, Any] | None, NeverNull] = None


class SportsBet(EventData):
    """Sports bet event data: a placed bet or its settlement."""

    activity_id: str
    activity_id_reference: str
    amount: Amount
    bet_type: Literal["Single", "Multi", "System"]
    odds: Annotated[Amount | None, NeverNull] = None
    total_odds: Annotated[Amount | None, NeverNull] = None
    bets: list[Leg] | None = None
    bonus_wager_amount: Amount
    currency: CurrencyCode
    is_cashout: bool = False
    status: str
    type: str


class Login(EventData):
    """Login Event Data"""  # noqa: D415 - the page's words go into the schema

    unique_id: IdempotencyId
