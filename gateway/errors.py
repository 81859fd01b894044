"""Errors as clients see them: a code, the store if it was one, and nothing of our insides.

| what happened | code |
|---|---|
| not GraphQL | GRAPHQL_PARSE_FAILED |
| not of this schema | GRAPHQL_VALIDATION_FAILED |
| an argument, variable, id or cursor that means nothing | BAD_USER_INPUT |
| more than the limits allow, or than is open at once | LIMIT_EXCEEDED |
| a persisted query that is not known yet, or not taken | PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_SUPPORTED |
| a document that is not of the trusted ones | DOCUMENT_NOT_TRUSTED |
| an error of `backends.errors` | its own |
| anything else | INTERNAL, masked; the log has it under the correlation id |
"""

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from backends.errors import ConfigurationError, LimitExceeded, MemoryGatewayError
from gateway.execution.errors import AnswerTooLarge

log = logging.getLogger("memory_gateway")


def plain(message: str, code: str) -> dict[str, Any]:
    """An error that no document gave rise to, as it goes into an answer."""
    return {"message": message, "extensions": {"code": code}}


def present(error: GraphQLError, *, executed: bool) -> dict[str, Any]:
    """An error as it goes into an answer; `executed` tells whether execution had begun."""
    formatted: dict[str, Any] = dict(error.formatted)
    extensions = _extensions(error, executed)
    if extensions["code"] == "INTERNAL":
        return formatted | unexpected(error.original_error or error)
    formatted["extensions"] = extensions
    return formatted


def unexpected(error: BaseException) -> dict[str, Any]:
    """An error that should not have been: the client learns no more than where the log has it."""
    correlation = secrets.token_hex(8)
    log.error("correlation id %s: %s", correlation, error, exc_info=error)
    shown = plain(f"Something went wrong here; the log has it under {correlation}.", "INTERNAL")
    shown["extensions"]["correlationId"] = correlation
    return shown


def present_all(errors: Sequence[GraphQLError], *, executed: bool) -> list[dict[str, Any]]:
    """Errors as they go into an answer."""
    return [present(error, executed=executed) for error in errors]


def _extensions(error: GraphQLError, executed: bool) -> dict[str, Any]:
    original = error.original_error
    if isinstance(original, MemoryGatewayError) and not isinstance(original, ConfigurationError):
        store = getattr(original, "store", None)
        return {"code": original.code} | ({"store": store} if store else {})
    if isinstance(original, AnswerTooLarge):
        return {"code": LimitExceeded.code}
    if isinstance(error, GraphQLSyntaxError):
        return {"code": "GRAPHQL_PARSE_FAILED"}
    if not executed:
        return {"code": "GRAPHQL_VALIDATION_FAILED"}
    if not error.path:
        return {"code": "BAD_USER_INPUT"}  # variables, or which operation to run
    return {"code": "INTERNAL"}
