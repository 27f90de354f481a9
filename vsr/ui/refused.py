"""What a request gets instead of an answer: a status of HTTP and one line."""

from __future__ import annotations

from vsr.core.errors import VsrError
from vsr.util.text import one_line, printable


class RefusedError(VsrError):
    """A request that cannot be granted.

    Args:
        status: of HTTP: 400 to 499, or 507 for a full disk.
        message: one line: what, and what is allowed.
        facts: what programs are told besides.
    """

    def __init__(self, status: int, message: str, **facts: object) -> None:
        super().__init__(printable(one_line(message, 500)))
        self.status = status
        self.facts = facts
