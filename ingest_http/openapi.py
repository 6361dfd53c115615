"""What does /openapi.json say?"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def openapi_document() -> dict[str, Any]:
    """The document."""
    return {"openapi": "3.1.0"}
