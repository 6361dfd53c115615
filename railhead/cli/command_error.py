"""The error with which a command ends; `railhead.cli.main` prints it and exits with its code."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot go on: the text says why, without the command's name."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
