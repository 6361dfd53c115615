"""How the store's settings are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinks.settings import StoreSettings, read_settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefix RAILHEAD_CLICKHOUSE_."""
    monkeypatch.setenv("RAILHEAD_CLICKHOUSE_URL", "https://store.example:8443")
    monkeypatch.setenv("RAILHEAD_CLICKHOUSE_USER", "railhead")

    settings = read_settings()

    assert (settings.url.host, settings.url.port, settings.user) == (
        "store.example",
        8443,
        "railhead",
    )


def test_a_password_file_wins(tmp_path: Path) -> None:
    """Its last line end is not part of the password."""
    file = tmp_path / "password"
    file.write_text(" p w \n")

    settings = StoreSettings(password="other", password_file=file)

    assert settings.password_text() == " p w "


def test_a_password_is_not_shown() -> None:
    """Printed settings may end in a log."""
    assert "hunter2" not in repr(StoreSettings(password="hunter2"))


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator reads which variable is wrong."""
    monkeypatch.setenv("RAILHEAD_CLICKHOUSE_INSERT_TIMEOUT_SECONDS", "soon")

    with pytest.raises(ValueError, match="RAILHEAD_CLICKHOUSE_INSERT_TIMEOUT_SECONDS") as caught:
        read_settings()

    assert "soon" not in str(caught.value)
