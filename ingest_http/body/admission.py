"""Admission control: bounds the bytes of bodies in flight and shares them fairly between tenants.

A tenant may hold as much as is free after it took it, so one tenant alone fills half of the limit,
two a third each, and there is always some left for the next one. No tenants need to be counted or
configured for that. (Choudhury and Hahne's dynamic thresholds, with factor one.)
"""

from __future__ import annotations

from collections import Counter


class AdmissionControl:
    """The bytes of bodies that one process may hold."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.used_bytes = 0
        self._held: Counter[str] = Counter()

    def admits(self, tenant: str, more_bytes: int) -> bool:
        """Tell whether *tenant* may hold *more_bytes* in addition to what it holds."""
        free_after = self.size_bytes - self.used_bytes - more_bytes
        return self._held[tenant] + more_bytes <= free_after

    def most_of_one(self) -> int:
        """Bytes that a tenant may hold when nobody else holds any."""
        return self.size_bytes // 2

    def enter(self, tenant: str, bytes_: int) -> Reservation | None:
        """Reserve *bytes_* for a request of *tenant*; None if they are not free."""
        reservation = Reservation(self, tenant)
        return reservation if reservation.grow_to(bytes_) else None

    def take(self, tenant: str, bytes_: int) -> None:
        """Count *bytes_* as held (negative: as given back)."""
        self.used_bytes += bytes_
        self._held[tenant] += bytes_
        if not self._held[tenant]:
            del self._held[tenant]


class Reservation:
    """The bytes that one request holds, from its headers until its records left the process."""

    __slots__ = ("_admission", "_tenant", "held_bytes")

    def __init__(self, admission: AdmissionControl, tenant: str) -> None:
        self._admission = admission
        self._tenant = tenant
        self.held_bytes = 0

    def grow_to(self, bytes_: int) -> bool:
        """Hold at least *bytes_* in all; False, and nothing changed, if they are not free."""
        more = bytes_ - self.held_bytes
        if more <= 0:
            return True
        if not self._admission.admits(self._tenant, more):
            return False
        self._admission.take(self._tenant, more)
        self.held_bytes = bytes_
        return True

    def leave(self) -> None:
        """Give everything back; a second time does nothing."""
        if self.held_bytes:
            self._admission.take(self._tenant, -self.held_bytes)
            self.held_bytes = 0
