"""The one family of errors that a user sees: a message, and a hint of what to do about it."""

from __future__ import annotations


class KqualError(Exception):
    """Something that the user can put right.

    The command line prints `message` on one line and `hint` (when there is one) after `try:` on the next, and ends
    with exit status 2.  `message` says what is wrong and with what; `hint` what to type or to change.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple:
        """Survive the way back from a worker process with both parts."""
        return type(self), (self.message, self.hint)


class StoreError(KqualError):
    """The store cannot be opened, read or written."""


class UsageError(KqualError):
    """Options or arguments that do not fit together."""
