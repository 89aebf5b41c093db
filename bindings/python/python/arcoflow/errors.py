"""A refusal says which rule was broken, and where."""

from __future__ import annotations


class ArcoflowError(ValueError):
    """A stable `code` for programs, a `message` for people, and the byte `offset` where the rule has a place."""

    code: str
    message: str
    offset: int | None

    def __init__(self, code: str, message: str, offset: int | None = None) -> None:
        super().__init__(code, message, offset)
        self.code, self.message, self.offset = code, message, offset

    def __str__(self) -> str:
        return self.message if self.offset is None else f"{self.message} (at byte {self.offset})"
