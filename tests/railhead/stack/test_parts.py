"""What the parts of a stack are started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from railhead.stack.directory import DataDirectory
from railhead.stack.parts import worker_part


@pytest.mark.parametrize(("given", "expected"), [("casino", "casino-2"), (None, None)])
def test_each_worker_has_an_instance_id_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str | None
) -> None:
    """With the same one they would throw each other out of the group."""
    monkeypatch.delenv("RAILHEAD_GROUP_INSTANCE_ID", raising=False)
    if given:
        monkeypatch.setenv("RAILHEAD_GROUP_INSTANCE_ID", given)

    part = worker_part(2, home=DataDirectory(tmp_path), port=1, environment={"A": "1"})

    assert part.environment.get("RAILHEAD_GROUP_INSTANCE_ID") == expected
    assert part.environment["A"] == "1"
