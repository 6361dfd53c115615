"""The two users of the one-machine stack and what the engine lets each do."""

from __future__ import annotations

from dataclasses import dataclass

from engine_http.engine.errors import ClickHouseError, Code


@dataclass(frozen=True, slots=True)
class User:
    """A user of this process; *guarded* ones may only read the analysts' database."""

    name: str
    role: str
    database: str
    guarded: bool


DEFAULT = User("default", role="owner", database="default", guarded=False)
ANALYST = User("analyst", role="analyst", database="fasttrack", guarded=True)
USERS = {user.name: user for user in (DEFAULT, ANALYST)}


def authenticate(name: str, password: str) -> User:
    """Return the user of that name. No user has a password, so every password is wrong.

    Raises ClickHouseError 516 with the server's words, which do not say what was wrong.
    """
    user = USERS.get(name)
    if user is None or password:
        raise ClickHouseError(
            Code.AUTHENTICATION_FAILED,
            f"{name}: Authentication failed: password is incorrect, or there is no user with such "
            "name.",
        )
    return user
