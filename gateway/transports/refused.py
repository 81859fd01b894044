"""Why a request is not executed."""

from collections.abc import Sequence
from typing import Any

from gateway.errors import plain


class Refused(Exception):
    """A request that is no GraphQL, or more than may be: its HTTP status, code and reason."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers

    @property
    def errors(self) -> list[dict[str, Any]]:
        """As they go into an answer."""
        return [plain(str(self), self.code)]


class NotExecutable(Exception):
    """A GraphQL request with nothing in it that can be executed; `errors` as they go into an answer.  Its HTTP
    status follows from the media type of the answer."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = list(errors)

    @classmethod
    def because(cls, code: str, message: str) -> "NotExecutable":
        """For one reason."""
        return cls([plain(message, code)])
