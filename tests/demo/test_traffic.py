"""The generated evening is one that could have happened."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from demo.traffic.catalogue import GAMES
from demo.traffic.evening import Evening
from demo.traffic.items import ConflictingPair, SentItem
from demo.traffic.mistakes import MISTAKES, Mistake, mistakes_for
from demo.traffic.traffic import EVENING, Mix, SentBatch, Tally, batches, expected
from events.check.check import check_items
from events.contract.registry import BY_NAME, EVENT_TYPES

Items = list[dict[str, Any]]


def valid_items(seed: int, count: int) -> Items:
    """Return the valid items of an evening, parsed with exact numbers."""
    items: Items = []
    for item in Evening(seed, count, EVENING).items():
        texts = (
            [item.first.text, item.later.text] if isinstance(item, ConflictingPair) else [item.text]
        )
        items += [json.loads(text, parse_float=Decimal) for text in texts]
        if len(items) >= count:
            break
    return items


@pytest.fixture(scope="module")
def evening() -> Items:
    """Valid items of one evening, in order."""
    return valid_items(7, 12_000)


@pytest.fixture(scope="module")
def posted() -> list[SentBatch]:
    """Every request of one evening."""
    return list(batches(7, 30_000, 500))


def total(posted: list[SentBatch]) -> Tally:
    """Return the expected outcomes of all of *posted*."""
    tally = Tally()
    for batch in posted:
        tally.add(batch.tally)
    return tally


def identity(item: dict[str, Any]) -> tuple[str, str]:
    """Return the event type and the idempotency id of *item*."""
    fields = BY_NAME[item["event"]].id_fields
    return item["event"], "/".join(item["data"][name] for name in fields)


def test_same_seed_gives_the_same_bytes() -> None:
    """A failed run can be repeated from its seed."""
    assert [b.body for b in batches(3, 2_000, 300)] == [b.body for b in batches(3, 2_000, 300)]


def test_other_seed_shares_no_id() -> None:
    """Evenings posted one after the other add up."""
    ours = {identity(item) for item in valid_items(1, 3_000)}
    theirs = {identity(item) for item in valid_items(2, 3_000)}

    assert not ours & theirs


@pytest.mark.parametrize("count", [1, 2, 999, 10_000])
def test_exactly_as_many_items_as_asked_for(count: int) -> None:
    """The number given is the number sent, repeats and invalid ones included."""
    posted = list(batches(5, count, 1000))

    assert sum(batch.items for batch in posted) == count
    assert sum(len(json.loads(batch.body)) for batch in posted) == count
    assert total(posted).items == count


def test_bodies_hold_what_their_tallies_say(posted: list[SentBatch]) -> None:
    """Stored items, repeats and conflicts are counted in another way, from the bodies alone."""
    firsts: dict[tuple[str, str], str] = {}
    counted: Counter[str] = Counter()
    known = {row.name for row in EVENT_TYPES}
    broken = total(posted).total("rejected")
    items = [item for batch in posted for item in json.loads(batch.body)]
    for item in items:
        if not isinstance(item, dict) or item.get("event") not in known:
            continue
        if not looks_valid(item):
            continue
        text = json.dumps(item)
        first = firsts.setdefault(identity(item), text)
        counted["conflict" if first != text else "repeat"] += 1
    counted["repeat"] -= len(firsts)

    assert len(firsts) == total(posted).total("stored")
    assert counted["repeat"] == total(posted).total("repeat")
    assert counted["conflict"] == total(posted).total("conflict")
    assert broken == len(items) - len(firsts) - counted.total()


def looks_valid(item: dict[str, Any]) -> bool:
    """Judge by the contract's own models."""
    try:
        BY_NAME[item["event"]].model.model_validate(_exact(item["data"]))
    except ValueError:
        return False
    return True


def _exact(data: dict[str, Any]) -> object:
    return json.loads(json.dumps(data), parse_float=Decimal)


def test_every_type_and_every_mistake_occurs(posted: list[SentBatch]) -> None:
    """An evening leaves no topic empty and no reason unused."""
    outcomes = total(posted).outcomes

    assert {name for outcome, name in outcomes if outcome == "stored"} == {
        t.name for t in EVENT_TYPES
    }
    assert {name for outcome, name in outcomes if outcome == "rejected"} == {
        m.reason for m in MISTAKES
    }
    assert total(posted).total("conflict") > 0
    assert any(batch.is_retry for batch in posted)


def test_check_accepts_every_valid_item() -> None:
    """The contract's own check rejects no valid item."""
    raws = [
        text.encode()
        for item in islice(Evening(7, 5_000, EVENING).items(), 5_000)
        for text in (
            [item.first.text, item.later.text] if isinstance(item, ConflictingPair) else [item.text]
        )
    ]
    checked = check_items(raws)

    assert checked.rejected == []
    assert sum(map(len, checked.accepted)) == len(raws)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.reason} {m.field} {m.event}")
def test_check_finds_each_mistake_where_it_is(mistake: Mistake) -> None:
    """Reason and field are those that the demo expects."""
    item = next(
        item
        for item in Evening(7, 5_000, EVENING).items()
        if isinstance(item, SentItem) and mistake in mistakes_for(item.event)
    )
    [rejection] = check_items([mistake.make_mistake(item.text).encode()]).rejected

    assert (rejection.reason, rejection.field) == (mistake.reason, mistake.field)


def test_a_few_per_cent_are_repeats_and_invalid() -> None:
    """The default mix is that of a client with ordinary trouble."""
    tally = expected(11, 50_000)

    assert 0.01 < tally.total("repeat") / tally.items < 0.06
    assert 0.01 < tally.total("rejected") / tally.items < 0.04


def test_a_clean_client_sends_each_item_once() -> None:
    """The bench can ask for first occurrences only."""
    tally = expected(11, 5_000, mix=Mix(repeats=0, invalid=0, conflicts=False))

    assert tally.total("stored") == 5_000


def test_nobody_plays_before_registering_and_paying_in(evening: Items) -> None:
    """A player's first items are registration, login, deposit."""
    stories: dict[str, list[str]] = defaultdict(list)
    for item in evening:
        stories[item["data"]["user_id"]].append(item["event"])

    for story in stories.values():
        beginning = ["realtime-registration", "realtime-login", "realtime-payment"]
        assert story[:3] == beginning[: len(story)]


def test_nobody_plays_with_money_they_do_not_have(evening: Items) -> None:
    """No balance falls below zero, in any currency."""
    balances: dict[str, Decimal] = defaultdict(Decimal)
    seen_payments = set()
    signs = {"bet": -1, "win": 1, "rollbackbet": 1, "rollbackwin": -1, "loss": 0}
    signs |= {"credit": 1, "debit": -1, "Bet": -1, "Settlement": 1}
    for item in evening:
        data = item["data"]
        if "amount" not in data or data.get("payment_id") in seen_payments:
            continue
        seen_payments.add(data.get("payment_id", object()))
        balances[data["user_id"]] += signs[data["type"]] * Decimal(data["amount"])
        assert balances[data["user_id"]] >= 0


def test_gameround_equals_the_sum_of_its_parts(evening: Items) -> None:
    """A gameround's bet and win are the sums of its casino events."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for item in evening:
        if item["event"] == "realtime-casino":
            data = item["data"]
            sums[data["round_id"], data["type"]] += Decimal(data["amount"])
    rounds = [item["data"] for item in evening if item["event"] == "realtime-gameround"]

    assert len(rounds) > 100
    for data in rounds:
        assert sums[data["unique_id"], "bet"] == data["total_bet_user"]
        assert sums[data["unique_id"], "win"] == data["total_win_user"]


def rounds_of(evening: Items) -> dict[str, Counter[str]]:
    """Return what each casino round moved, by type, and its game; but the last, which was cut."""
    rounds: dict[str, Counter[str]] = defaultdict(Counter)
    for item in evening:
        if item["event"] == "realtime-casino":
            rounds[item["data"]["round_id"]][item["data"]["type"]] += item["data"]["amount"]
    rounds.popitem()
    return rounds


def test_what_is_rolled_back_is_the_whole_round(evening: Items) -> None:
    """The stake, and the win if there was one: nothing of it is left in any sum."""
    voided = [moved for moved in rounds_of(evening).values() if "rollbackbet" in moved]

    assert len(voided) > 10
    assert any(moved["win"] for moved in voided)
    for moved in voided:
        assert (moved["rollbackbet"], moved["rollbackwin"]) == (moved["bet"], moved["win"])


def test_a_game_sends_each_of_its_rounds_or_none(evening: Items) -> None:
    """With wins or without: else the game rounds would return more to players than the games."""
    games = {
        i["data"]["round_id"]: i["data"]["game_id"] for i in evening if "round_id" in i["data"]
    }
    whole = {i["data"]["unique_id"] for i in evening if i["event"] == "realtime-gameround"}
    sent: dict[str, set[bool]] = defaultdict(set)
    for round_id, moved in rounds_of(evening).items():
        if "rollbackbet" not in moved:
            sent[games[round_id]].add(round_id in whole)

    assert {game.name: {game.sends_rounds} for game in GAMES} == sent


def test_games_return_to_players_what_games_do(evening: Items) -> None:
    """Each less than it is known for, as it cannot pay what it has not taken; all about 95 %."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for item in evening:
        data = item["data"]
        if item["event"] == "realtime-casino" and data["currency"] == "EUR":
            sums[data["game_id"]][data["type"]] += data["amount"]
    returned = {
        game: (moved["win"] - moved["rollbackwin"], moved["bet"] - moved["rollbackbet"])
        for game, moved in sums.items()
    }

    assert all(
        1000 * returned[game.name][0] <= game.pays_back * returned[game.name][1] for game in GAMES
    )
    wins, bets = (sum(pair[at] for pair in returned.values()) for at in (0, 1))
    assert 0.90 < wins / bets < 0.98


def test_deposits_are_round_sums_of_their_currency(evening: Items) -> None:
    """Nobody deposits 8.50 GBP; a player deposits after logging in."""
    paid: dict[str, set[Decimal]] = defaultdict(set)
    for item in evening:
        if item["data"].get("type") == "credit":
            paid[item["data"]["currency"]].add(item["data"]["amount"])

    assert paid["EUR"] == paid["GBP"] == paid["USD"] == {10, 20, 50, 100}
    assert paid["SEK"] == {100, 200, 500, 1000}
    assert paid["JPY"] == {1000, 2000, 5000, 10_000}
    first: dict[str, list[str]] = defaultdict(list)
    for item in evening:
        data = item["data"]
        first[data["user_id"]].append(data["timestamp"])
    assert all(times[:3] == sorted(times[:3]) for times in first.values())


def test_settlement_names_a_bet_placed_before(evening: Items) -> None:
    """Its reference is the bet's id; the bet has no reference, and one to five legs."""
    placed: dict[str, str] = {}
    settled = 0
    for item in evening:
        if item["event"] != "realtime-sports-bet":
            continue
        data = item["data"]
        if data["type"] == "Bet":
            placed[data["activity_id"]] = data["user_id"]
            assert 1 <= len(data["bets"]) <= 5
            assert data["activity_id_reference"] == ""
        else:
            settled += 1
            assert placed.pop(data["activity_id_reference"]) == data["user_id"]

    assert settled > 50


def test_amounts_use_the_places_of_their_currency(evening: Items) -> None:
    """ETH amounts have eighteen decimal places, not all of them zero."""
    places: dict[str, set[int]] = defaultdict(set)
    for item in evening:
        if item["event"] == "realtime-casino":
            exponent = Decimal(item["data"]["amount"]).as_tuple().exponent
            assert isinstance(exponent, int)
            places[item["data"]["currency"]].add(-exponent)
    odd = [i for i in evening if i["data"].get("currency") == "ETH" and "amount" in i["data"]]

    assert places["ETH"] == {18}
    assert places["BTC"] == {8}
    assert places["JPY"] == {0}
    assert places["EUR"] == {2}
    assert any(item["data"]["amount"] % Decimal("1e-9") for item in odd)


def test_items_have_the_size_of_real_ones() -> None:
    """A few hundred bytes on average; a bet slip of five legs may be larger."""
    posted = next(iter(batches(7, 10_000, 10_000)))

    assert 200 <= len(posted.body) / posted.items <= 600
