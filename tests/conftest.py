"""What holds for all tests: no test is judged by the time it takes."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("railhead", deadline=None)
settings.load_profile("railhead")
