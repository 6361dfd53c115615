"""What an operator sees of `railhead tenant`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest_http.keyring import Keyring
from railhead.cli.main import main
from tenants.keys import KEY_SHAPE
from tenants.tenants_file import read_tenants


def railhead_tenant(data_dir: Path, *words: str) -> int:
    """Run the command on *data_dir*, which has a tenants file, perhaps an empty one."""
    create = ["--create"] if words[0] == "add" else []
    return main(["tenant", *words, *create, "--data-dir", str(data_dir)])


@pytest.mark.parametrize(
    "words",
    [
        ("add", "acme"),
        ("list",),
        ("rotate", "acme"),
        ("revoke", "acme"),
        ("id-fields", "acme", "realtime-payment=payment_id,status", "--yes"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("how", ["option", "variable", "file", "default"])
def test_no_file_is_made_by_accident(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    how: str,
) -> None:
    """Its keys would be refused by every ingest API; the error says what to do instead."""
    for name in ("RAILHEAD_DATA_DIR", "RAILHEAD_TENANTS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    if how == "variable":
        monkeypatch.setenv("RAILHEAD_DATA_DIR", "D")
    if how == "file":
        monkeypatch.setenv("RAILHEAD_TENANTS_FILE", "D/tenants.json")

    code = main(["tenant", *words, *(["--data-dir", "D"] if how == "option" else [])])

    out, err = capsys.readouterr()
    directory = tmp_path / (".railhead" if how == "default" else "D")
    assert (code, out) == (1, "")
    assert f"there is no tenants file {directory / 'tenants.json'}" in err
    assert "--create" in err
    assert not list(tmp_path.iterdir())


def test_create_keeps_a_file_that_exists(tmp_path: Path) -> None:
    """A script may give it every time."""
    for name in ("acme", "beta"):
        assert railhead_tenant(tmp_path, "add", name) == 0

    assert sorted(read_tenants(tmp_path / "tenants.json").tenants) == ["acme", "beta"]


def test_add_prints_the_key_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a script can take it."""
    assert railhead_tenant(tmp_path, "add", "acme") == 0

    key = capsys.readouterr().out
    assert KEY_SHAPE.fullmatch(key.rstrip("\n"))
    owner = Keyring(tmp_path / "tenants.json").owner_of(key.strip())
    assert owner is not None
    assert owner.name == "acme"


def test_second_add_fails_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first key stays as it is."""
    railhead_tenant(tmp_path, "add", "acme")
    capsys.readouterr()

    assert railhead_tenant(tmp_path, "add", "acme") == 1
    assert "rotate" in capsys.readouterr().err
    assert len(read_tenants(tmp_path / "tenants.json").tenants["acme"].keys) == 1


def test_expiry_is_counted_in_days(tmp_path: Path) -> None:
    """From now."""
    railhead_tenant(tmp_path, "add", "acme", "--expires-in", "2")

    (key,) = read_tenants(tmp_path / "tenants.json").tenants["acme"].keys
    assert key.expires_at is not None
    left = key.expires_at - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)


def test_options_are_kept(tmp_path: Path) -> None:
    """How the tenant's items are read."""
    railhead_tenant(
        tmp_path,
        *("add", "acme", "--coerce-ids", "--id-fields", "realtime-payment=payment_id,status"),
    )

    tenant = read_tenants(tmp_path / "tenants.json").tenants["acme"]
    assert tenant.coerce_ids
    assert tenant.id_fields == {"realtime-payment": ("payment_id", "status")}


@pytest.mark.parametrize("rule", ["realtime-cart=id", "realtime-payment=nope", "realtime-payment="])
def test_id_rule_that_cannot_work_is_wrong_use(tmp_path: Path, rule: str) -> None:
    """Before anything is written."""
    with pytest.raises(SystemExit) as caught:
        railhead_tenant(tmp_path, "add", "acme", "--id-fields", rule)

    assert caught.value.code == 2
    assert not (tmp_path / "tenants.json").exists()


def test_list_shows_states_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough to distinguish keys."""
    monkeypatch.setenv("COLUMNS", "200")
    railhead_tenant(tmp_path, "add", "acme")
    key = capsys.readouterr().out.strip()
    railhead_tenant(tmp_path, "revoke", "acme")
    railhead_tenant(tmp_path, "list")

    shown = capsys.readouterr().out
    assert "revoked" in shown
    assert key.split("_")[1] in shown
    assert key.split("_", 2)[2] not in shown
    assert read_tenants(tmp_path / "tenants.json").tenants["acme"].keys[0].hash not in shown


def test_list_fits_80_columns_and_programs_get_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option has two lines; a name too long for a column has a line of its own."""
    railhead_tenant(tmp_path, "add", "acme", "--id-fields", "realtime-payment=payment_id,status")
    for name in ("acme", "a" * 63):
        railhead_tenant(tmp_path, *(["rotate"] if name == "acme" else ["add"]), name)
        capsys.readouterr()

        railhead_tenant(tmp_path, "list")
        shown = capsys.readouterr().out
        railhead_tenant(tmp_path, "list", "--json")
        keys = json.loads(capsys.readouterr().out)

        assert max(map(len, shown.splitlines())) <= 80
        assert all(key["key"] in shown for key in keys)
        assert "payment_id,status" in shown
    assert [key["tenant"] for key in keys] == ["a" * 63, "acme", "acme"]
    assert [key["expires_at"] is None for key in keys] == [True, False, True]
    assert keys[1]["options"] == ["realtime-payment=payment_id,status"]


def test_rotate_without_grace_ends_the_old_key_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For a key that leaked."""
    railhead_tenant(tmp_path, "add", "acme")
    old = capsys.readouterr().out.strip()
    railhead_tenant(tmp_path, "rotate", "acme", "--grace", "0")
    new = capsys.readouterr().out.strip()

    keyring = Keyring(tmp_path / "tenants.json")
    assert keyring.owner_of(old) is None
    assert keyring.owner_of(new) is not None


def test_unknown_tenant_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do about it."""
    railhead_tenant(tmp_path, "add", "acme")
    assert railhead_tenant(tmp_path, "revoke", "nobody") == 1
    assert "railhead tenant list" in capsys.readouterr().err
