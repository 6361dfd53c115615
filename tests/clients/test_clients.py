"""The clients that need nothing but Railhead's own environment, and the page about all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients import database
from tests.clients.document import DOCUMENT, document
from tests.clients.environments import own_python
from tests.clients.matrix import CLIENTS
from tests.clients.results import USERS, load
from tests.clients.running import run
from tests.engine_http.process import EngineProcess


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """The running engine with rows in every view."""
    with database.served(tmp_path_factory.mktemp("clients") / "data") as engine:
        yield engine


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("program", ["curl.py", "connect.py"])
def test_a_client_works_with_its_default_settings(
    filled: EngineProcess, program: str, user: str
) -> None:
    """Every check of its program; `make clients` runs the others."""
    checks = run([*own_python(program), str(filled.port), user])

    assert len(checks) >= 8
    assert [one for one in checks if not one.ok] == []


def test_the_page_is_made_from_the_results() -> None:
    """No number of it is typed by hand: `make clients` writes both."""
    assert DOCUMENT.read_text() == document(load())


def test_every_client_was_tried_as_each_user() -> None:
    """A client without a result is not in the page as if it worked."""
    tried = {(cell.client, cell.user) for cell in load().cells if cell.checks or cell.skipped}

    assert tried == {(client.name, user) for client in CLIENTS for user in USERS}
