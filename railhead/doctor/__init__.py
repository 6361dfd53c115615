"""Checks whether Railhead can work here now: one finding for each check, with advice."""
