"""Tenant keys: how they are made, stored and compared. Pure: no clock, no file.

A key is `rh_PREFIX_SECRET`: the prefix only finds the row, the secret has 256 random bits. Only the
HMAC-SHA256 of the whole key is stored, under a pepper in another file, so neither file alone is of
use to an attacker.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from typing import Final

PREFIX_BYTES: Final = 5
SECRET_BYTES: Final = 32
PEPPER_BYTES: Final = 32
LONGEST_KEY: Final = 256
KEY_SHAPE: Final = re.compile(r"rh_([a-z2-7]{8})_[A-Za-z0-9_-]{22,}")


def new_key() -> tuple[str, str]:
    """Make a key; returns its prefix and the whole key, which is to be shown once."""
    prefix = base64.b32encode(secrets.token_bytes(PREFIX_BYTES)).decode().lower()
    return prefix, f"rh_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def new_pepper() -> bytes:
    """Make the secret with which all stored hashes of one tenants file are keyed."""
    return secrets.token_bytes(PEPPER_BYTES)


def prefix_of(presented: str) -> str:
    """The look-up prefix of a presented key; empty if it cannot be one of ours."""
    match = KEY_SHAPE.fullmatch(presented)
    return match[1] if match else ""


def hash_of(key: str, pepper: bytes) -> str:
    """The stored hash of *key*."""
    return hmac.digest(pepper, key.encode("utf-8", "surrogateescape"), "sha256").hex()


def same(left: str, right: str) -> bool:
    """Compare two hashes in constant time."""
    return hmac.compare_digest(left, right)
