"""Baseline: an ingest API with FastAPI, pydantic models and a send per item.

`fastapi_api.py BOOTSTRAP PORT` with the key in BASELINE_KEY. Each item is checked alone, an invalid
one goes to the topic of rejected items, and 204 is sent when the broker has acknowledged all.
"""

# ruff: noqa: D101, D103 - an example of others' style, one page long

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import uuid4

import uvicorn  # type: ignore[import-not-found]
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Header, HTTPException, Response  # type: ignore[import-not-found]
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

BOOTSTRAP, PORT, KEY = sys.argv[1], int(sys.argv[2]), os.environ["BASELINE_KEY"]
TENANT = "bench"
ID_OF = {"realtime-payment": "payment_id", "realtime-sports-bet": "activity_id"}


class Casino(BaseModel):
    unique_id: str
    user_id: str
    timestamp: datetime
    game_id: str
    round_id: str
    type: Literal["bet", "win"]
    amount: Decimal
    currency: str
    bonus_wager_amount: Decimal


class Payment(BaseModel):
    payment_id: str
    user_id: str
    timestamp: datetime
    type: str
    status: str
    amount: Decimal
    currency: str


class Registration(BaseModel):
    unique_id: str
    user_id: str
    timestamp: datetime


class GameRound(BaseModel):
    unique_id: str
    user_id: str
    timestamp: datetime
    game_id: str
    user_currency: str
    bonus_bet_user: Decimal
    total_bet_user: Decimal
    bonus_win_user: Decimal
    total_win_user: Decimal


class Leg(BaseModel):
    tournament_name: str
    sports_name: str
    odds: Decimal


class SportsBet(BaseModel):
    activity_id: str
    user_id: str
    timestamp: datetime
    amount: Decimal
    bet_type: Literal["Single", "Multi", "System"]
    bets: list[Leg] | None = None
    bonus_wager_amount: Decimal
    currency: str
    status: str
    type: str


class Login(BaseModel):
    unique_id: str
    user_id: str
    timestamp: datetime


class CasinoItem(BaseModel):
    event: Literal["realtime-casino"]
    data: Casino


class PaymentItem(BaseModel):
    event: Literal["realtime-payment"]
    data: Payment


class RegistrationItem(BaseModel):
    event: Literal["realtime-registration"]
    data: Registration


class GameRoundItem(BaseModel):
    event: Literal["realtime-gameround"]
    data: GameRound


class SportsBetItem(BaseModel):
    event: Literal["realtime-sports-bet"]
    data: SportsBet


class LoginItem(BaseModel):
    event: Literal["realtime-login"]
    data: Login


Item = Annotated[
    CasinoItem | PaymentItem | RegistrationItem | GameRoundItem | SportsBetItem | LoginItem,
    Field(discriminator="event"),
]
ITEM: TypeAdapter[Any] = TypeAdapter(Item)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, acks="all", linger_ms=2)
    await producer.start()
    app.state.producer = producer
    yield
    await producer.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/integrations/fasttrack/bulk", status_code=204)  # type: ignore[untyped-decorator]
async def bulk(items: list[dict[str, Any]], x_api_key: Annotated[str, Header()]) -> Response:
    if x_api_key != KEY:
        raise HTTPException(403)
    headers = [
        ("tenant", TENANT.encode()),
        ("received_at", datetime.now(UTC).isoformat(timespec="milliseconds").encode()),
        ("request_id", uuid4().hex.encode()),
    ]
    acknowledged = []
    for raw in items:
        try:
            item = ITEM.validate_python(raw)
        except ValidationError as error:
            topic, key = "fasttrack.rejected", TENANT
            value = json.dumps({"raw": raw, "message": str(error)}).encode()
        else:
            topic = f"fasttrack.{item.event}"
            key = f"{TENANT}:{getattr(item.data, ID_OF.get(item.event, 'unique_id'))}"
            value = json.dumps(raw).encode()
        acknowledged.append(
            await app.state.producer.send(topic, value, key=key.encode(), headers=headers)
        )
    await asyncio.gather(*acknowledged)
    return Response(status_code=204)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=PORT,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
