"""The doctor sees whether the tenants file can be used, and whether anybody may send."""

from __future__ import annotations

from pathlib import Path

import pytest

from railhead.cli.main import main
from railhead.doctor.finding import State
from railhead.doctor.tenants import tenants


@pytest.fixture
def file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A tenants file with one key."""
    assert main(["tenant", "add", "acme", "--create", "--data-dir", str(tmp_path)]) == 0
    return tmp_path / "tenants.json"


def test_one_tenant_with_a_key_is_well(file: Path) -> None:
    """It says how many there are."""
    found = tenants(file)

    assert (found.state, found.says) == (State.OK, f"{file}, 1 of 1 tenants have a valid key")


def test_no_valid_key_is_a_warning(file: Path) -> None:
    """Nobody can send."""
    assert main(["tenant", "revoke", "acme", "--data-dir", str(file.parent)]) == 0

    found = tenants(file)

    assert found.state is State.WARN
    assert "0 of 1" in found.says


def test_a_missing_file_is_a_failure_if_there_was_one(file: Path) -> None:
    """Its pepper is still there; a new system has neither."""
    file.unlink()
    assert tenants(file).state is State.FAIL

    file.with_suffix(".pepper").unlink()
    assert tenants(file).state is State.WARN


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tenants": {"a": 1}}', b"\xff"])
def test_a_file_that_cannot_be_used_is_a_failure(file: Path, content: bytes) -> None:
    """The ingest API and the workers go on with the last good one."""
    file.write_bytes(content)

    found = tenants(file)

    assert found.state is State.FAIL
    assert str(file) in found.says


@pytest.mark.parametrize("content", [None, "", "00", "no pepper"])
def test_keys_without_their_pepper_are_a_failure(file: Path, content: str | None) -> None:
    """None of them is valid."""
    pepper = file.with_suffix(".pepper")
    if content is None:
        pepper.unlink()
    else:
        pepper.write_text(content)

    found = tenants(file)

    assert found.state is State.FAIL
    assert str(pepper) in found.says
