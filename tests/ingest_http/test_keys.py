"""Access: keys, their validity, and the answer to a bad key."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

import pytest

from ingest_http.http.routes import BULK_PATH
from ingest_http.keyring import Keyring
from tenants.changes import TenantChangeError, add_tenant, make_key, revoke, rotate
from tenants.keys import new_key, prefix_of
from tenants.tenants import Tenant, TenantsFile
from tenants.tenants_file import TenantsFileError, change_tenants, pepper_path, read_tenants
from tests.ingest_http.running_api import RunningApi, new_tenant

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PEPPER = b"p" * 32


async def test_both_ways_to_send_the_key_are_taken(acme: RunningApi) -> None:
    """The contract's page names one header, its sample sends the other."""
    by_bearer = await acme.ask(
        "POST", BULK_PATH, json=[], headers={"Authorization": f"Bearer {acme.key}"}
    )

    assert by_bearer.status == 204
    assert (await acme.post_items([])).status == 204


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "wrong"},
        {"x-api-key": new_key()[1]},
        {"x-api-key": "k" * 4_000},
        {"x-api-key": "schlüssel"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer"},
    ],
)
async def test_every_bad_key_gets_the_same_answer(
    acme: RunningApi, headers: dict[str, str]
) -> None:
    """Guessing reveals nothing."""
    answer = await acme.ask("POST", BULK_PATH, json=[], headers={"X-Request-Id": "r", **headers})

    assert answer.status == 403
    assert answer.json() == {
        "error": "forbidden",
        "message": "No valid key was sent. "
        "Send a valid key of your tenant in the header x-api-key.",
        "request_id": "r",
    }


async def test_key_in_the_query_string_is_ignored(acme: RunningApi) -> None:
    """Query strings end up in logs of proxies."""
    answer = await acme.ask("POST", f"{BULK_PATH}?x-api-key={acme.key}", json=[])

    assert answer.status == 403


async def test_bad_key_is_reported_before_anything_else(acme: RunningApi) -> None:
    """Without a key, nobody learns which bodies would be accepted."""
    answer = await acme.ask("POST", BULK_PATH, data=b"x", headers={"Content-Type": "text/plain"})

    assert answer.status == 403


def keyring_of(path: Path, **changed: Any) -> tuple[Keyring, str]:
    """A keyring with one tenant whose only key is *changed*, at the time NOW."""
    shown = ""

    def change(file: TenantsFile, pepper: bytes) -> TenantsFile:
        nonlocal shown
        stored, shown = make_key(pepper, now=NOW - timedelta(days=1))
        key = stored.model_copy(update=changed)
        return add_tenant(file, "acme", Tenant(created_at=NOW, keys=(key,)))

    change_tenants(path, change)
    return Keyring(path, wall_clock=lambda: NOW), shown


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"expires_at": NOW + timedelta(seconds=1)}, True),
        ({"expires_at": NOW}, False),
        ({"not_before": NOW}, True),
        ({"not_before": NOW + timedelta(seconds=1)}, False),
        ({"revoked_at": NOW}, False),
    ],
)
def test_key_is_good_in_its_time_only(
    tenants_path: Path,
    changed: dict[str, Any],
    good: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    """Not before, until, and never again once revoked."""
    keyring, key = keyring_of(tenants_path, **changed)

    assert (keyring.owner_of(key) is not None) == good


def test_disabled_tenant_has_no_good_key(tenants_path: Path) -> None:
    """One switch for all its keys."""
    key = new_tenant(tenants_path, "acme", disabled=True)

    assert Keyring(tenants_path).owner_of(key) is None


def test_new_tenant_is_let_in_at_once(tenants_path: Path) -> None:
    """An unknown key makes the API check the file again."""
    keyring = Keyring(tenants_path)
    key = new_tenant(tenants_path, "acme")

    owner = keyring.owner_of(key)

    assert owner is not None
    assert owner.name == "acme"


def test_many_unknown_keys_do_not_read_the_file_each_time(tenants_path: Path) -> None:
    """Time stamps are checked; a file that has not changed is not read."""
    new_tenant(tenants_path, "acme")
    keyring = Keyring(tenants_path)
    before = keyring.tenants

    for number in range(100):
        keyring.owner_of(f"unknown-{number}")

    assert keyring.tenants is before


def test_broken_file_keeps_the_last_good_keys_in_force(tenants_path: Path) -> None:
    """A mistake in an editor must not lock everybody out."""
    key = new_tenant(tenants_path, "acme")
    keyring = Keyring(tenants_path)
    tenants_path.write_text("{")

    assert keyring.refresh() is False
    assert keyring.owner_of(key) is not None
    assert keyring.last_error is not None


def test_api_does_not_start_with_a_broken_file(tenants_path: Path) -> None:
    """At the start there is no last good content."""
    tenants_path.write_text('{"version": 1, "tenants": {"acme": {"keys": "secret-value"}}}')

    with pytest.raises(TenantsFileError, match=r"tenants\.acme") as caught:
        Keyring(tenants_path)
    assert "secret-value" not in str(caught.value)


def test_neither_file_holds_a_key(tenants_path: Path) -> None:
    """Hashes under a pepper of its own, both for the owner's eyes only."""
    key = new_tenant(tenants_path, "acme")

    for path in (tenants_path, pepper_path(tenants_path)):
        assert key.split("_", 2)[2] not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_lost_pepper_is_not_replaced_silently(tenants_path: Path) -> None:
    """With a new one no old key would match again."""
    new_tenant(tenants_path, "acme")
    pepper_path(tenants_path).unlink()

    with pytest.raises(TenantsFileError, match="restore it"):
        new_tenant(tenants_path, "other")


def test_refused_change_leaves_the_file_as_it_was(tenants_path: Path) -> None:
    """Whole or not at all."""
    new_tenant(tenants_path, "acme")
    before = tenants_path.read_bytes()

    with pytest.raises(TenantChangeError, match="exists"):
        new_tenant(tenants_path, "acme")
    assert tenants_path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "Acme", "-a", "a b", "a:b", "ä", "a" * 64, "a\n"])
def test_odd_tenant_names_are_refused(name: str) -> None:
    """Names are part of keys, labels and SQL; they are plain."""
    with pytest.raises(TenantChangeError, match="not a tenant name"):
        add_tenant(TenantsFile(), name, Tenant(created_at=NOW))


def test_rotation_lets_the_old_key_live_for_its_grace() -> None:
    """Clients change keys whenever they like until then."""
    old, _ = make_key(PEPPER, now=NOW)
    fresh, _ = make_key(PEPPER, now=NOW)
    file = add_tenant(TenantsFile(), "acme", Tenant(created_at=NOW, keys=(old,)))
    end = NOW + timedelta(hours=1)

    keys = rotate(file, "acme", fresh, old_keys_until=end).tenants["acme"].keys

    assert [key.state(NOW) for key in keys] == ["active", "active"]
    assert [key.state(end) for key in keys] == ["expired", "active"]


def test_rotation_does_not_prolong_a_key() -> None:
    """A key that ends sooner still ends sooner."""
    sooner = NOW + timedelta(minutes=1)
    old, _ = make_key(PEPPER, now=NOW, expires_in=timedelta(minutes=1))
    fresh, _ = make_key(PEPPER, now=NOW)
    file = add_tenant(TenantsFile(), "acme", Tenant(created_at=NOW, keys=(old,)))

    rotated = rotate(file, "acme", fresh, old_keys_until=NOW + timedelta(hours=1))

    assert rotated.tenants["acme"].keys[0].expires_at == sooner


def test_one_key_or_all_can_be_revoked() -> None:
    """A leaked key is ended alone."""
    keys = tuple(make_key(PEPPER, now=NOW)[0] for _ in range(2))
    file = add_tenant(TenantsFile(), "acme", Tenant(created_at=NOW, keys=keys))

    one = revoke(file, "acme", keys[0].prefix, now=NOW).tenants["acme"].keys
    every = revoke(file, "acme", None, now=NOW).tenants["acme"].keys

    assert [key.state(NOW) for key in one] == ["revoked", "active"]
    assert [key.state(NOW) for key in every] == ["revoked", "revoked"]


def test_revoking_an_unknown_key_is_an_error() -> None:
    """A mistyped prefix must not look like success."""
    file = add_tenant(TenantsFile(), "acme", Tenant(created_at=NOW))

    with pytest.raises(TenantChangeError, match="no key"):
        revoke(file, "acme", "aaaaaaaa", now=NOW)


def test_id_rule_that_cannot_work_is_a_broken_file(tenants_path: Path) -> None:
    """A field that does not exist would give every item the same id."""
    new_tenant(tenants_path, "acme", id_fields={"realtime-payment": ("nope",)})

    with pytest.raises(TenantsFileError, match="nope"):
        Keyring(tenants_path)


def test_keys_are_long_and_never_equal() -> None:
    """256 random bits behind a look-up prefix."""
    made = [new_key() for _ in range(100)]

    assert len({key for _, key in made}) == 100
    assert all(prefix_of(key) == prefix for prefix, key in made)
    assert all(len(key.split("_", 2)[2]) >= 43 for _, key in made)


def test_bad_keys_take_the_same_time(tenants_path: Path) -> None:
    """Missing, unknown and revoked ones take the same steps (the bound suits a busy machine)."""
    keyring, revoked = keyring_of(tenants_path, revoked_at=NOW)
    kinds = {"missing": None, "unknown": new_key()[1], "revoked": revoked}
    spent: dict[str, list[int]] = {name: [] for name in kinds}
    for _ in range(2_000):
        for name, key in kinds.items():
            started = perf_counter_ns()
            keyring.owner_of(key)
            spent[name].append(perf_counter_ns() - started)

    typical = [median(times) for times in spent.values()]

    assert max(typical) < 2 * min(typical)


def test_concurrent_changes_are_all_kept(tenants_path: Path) -> None:
    """Writers take turns."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: new_tenant(tenants_path, f"t{number}"), range(16)))

    assert len(read_tenants(tenants_path).tenants) == 16
