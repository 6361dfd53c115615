"""An analyst who asks for the user's name is answered with their own."""

from __future__ import annotations

import pytest

from engine_http.statements.user_name import with_user
from tests.engine_http.process import EngineProcess

CALLS = ("currentUser()", "user()", "CURRENT_USER()", "session_user ( )")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'currentUser()'",
        "SELECT `currentUser`()",
        "SELECT t.user()",
        "SELECT user, current_user FROM t",
        "SELECT CURRENTUSER()",
        "SELECT user(1)",
        "SELECT 1 -- user()",
        "SELECT user(",
        "user",
    ],
)
def test_only_a_call_asks_for_the_user(text: str) -> None:
    """Text, columns and other functions stay as they are."""
    assert with_user(text.encode(), "analyst") == text.encode()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT {}",
        "SELECT {} AS u, upper({}) WHERE {} != ''",
        "SELECT count() FROM numbers(3) GROUP BY {}",
        "WITH {} AS u SELECT u",
        "SELECT toTypeName({}), lower(concat({}, 'x'))",
    ],
)
def test_the_answer_is_the_analysts_name(engine: EngineProcess, call: str, statement: str) -> None:
    """Wherever an expression may stand; names of columns are those that `default` sees."""
    sql = statement.format(*[call] * 3) + " FORMAT TSVWithNames"

    mine, owners = engine.analyst(sql), engine.ask(sql)

    assert mine.status == 200, mine.text
    assert mine.text == owners.text.replace("default", "analyst").replace("DEFAULT", "ANALYST")


def test_the_owner_is_called_default(engine: EngineProcess) -> None:
    """As every session of the engine is."""
    assert engine.ask("SELECT currentUser()").text == "default\n"
