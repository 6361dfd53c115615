"""What an operator does during a run: change an id rule, and change it back.

Two items have equal ids by the rules used here exactly when they have equal ids by the contract, so
the checker need not know when a rule applies. The ids are written differently, so the dedup index
alone no longer finds the repeats: that is what is tested.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from events.contract.registry import BY_NAME
from tests.system.chaos.content import WIDER_RULES
from tests.system.chaos.rig import Rig

# A worker may be paused for 13 s, and looks at the file once a second.
APPLIES_AFTER_SECONDS: Final = 20


class Operator:
    """Changes of the settings of *tenants*; each says what it did."""

    def __init__(self, rig: Rig, tenants: tuple[str, ...], seed: int) -> None:
        self._rig = rig
        self._random = Random(f"operator {seed}")  # noqa: S311 - repeatable, not secret
        self._tenants = tenants
        self._wider: set[tuple[str, str]] = set()

    async def change_id_rule(self) -> str:
        """Return when the rule applies, or at once when the command could not change it."""
        chosen = self._random.choice(self._tenants), self._random.choice(list(WIDER_RULES))
        tenant, event = chosen
        is_wider = chosen not in self._wider
        fields = ",".join(WIDER_RULES[event] if is_wider else BY_NAME[event].id_fields)
        words = ("id-fields", tenant, f"{event}={fields}", "--after", str(APPLIES_AFTER_SECONDS))
        if await self._rig.tenant_command(*words, "--yes") is None:
            return f"{tenant} {event}={fields} could not be changed now"
        self._wider ^= {chosen}
        await asyncio.sleep(APPLIES_AFTER_SECONDS)
        return f"{tenant} {event}={fields}"
