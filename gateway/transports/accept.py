"""What the client can read: the Accept header."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from gateway.incremental import CURRENT, OLDER
from gateway.transports.refused import Refused

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed"

_SINGLE = {
    GRAPHQL_RESPONSE: GRAPHQL_RESPONSE,
    JSON: JSON,
    "application/*": JSON,
    "*/*": JSON,
    "": JSON,
}
_STREAMS = (EVENT_STREAM, MULTIPART)


class Accepted(msgspec.Struct, frozen=True):
    """The first of the client's choices, of each sort."""

    single: str | None
    """For an answer that stands alone."""
    stream: str | None
    """For answers that follow one another."""
    parts: str | None = None
    """For an answer in parts: one of `incremental.FORMATS`."""

    @property
    def for_errors(self) -> str:
        """What says that there is no answer."""
        return self.single or JSON


def accepted(header: str | None) -> Accepted:
    """What of ours a client takes.  Raises Refused."""
    wanted = _ranges("*/*" if header is None else header)
    ranges = [media for media, _ in wanted]
    single = next((_SINGLE[each] for each in ranges if each in _SINGLE), None)
    stream = next((each for each in ranges if each in _STREAMS), None)
    if single is None and stream is None:
        message = f"none of {header!r:.120} can be given; accept {GRAPHQL_RESPONSE} or {JSON}"
        raise Refused(406, "BAD_USER_INPUT", message)
    parts = next((_format(given) for media, given in wanted if media == MULTIPART), None)
    return Accepted(single, stream, parts)


def _format(parameters: Mapping[str, str]) -> str | None:
    """The format of answers in parts that a client reads; it says nothing of it if it knows the current one."""
    if "deferspec" in parameters:
        return OLDER if parameters["deferspec"] == OLDER else None
    return None if "subscriptionspec" in parameters else CURRENT


def _ranges(header: str) -> Sequence[tuple[str, Mapping[str, str]]]:
    """The media ranges and their parameters, the most wanted first; in their order where they are equal."""
    found: list[tuple[float, str, Mapping[str, str]]] = []
    for part in header.split(","):
        media, *pieces = (piece.strip().lower() for piece in part.split(";"))
        parameters = {name.strip(): value.strip() for name, _, value in map(_split, pieces)}
        quality = 1.0
        with suppress(ValueError):
            quality = float(parameters.get("q", "1"))
        if quality > 0:
            found.append((quality, media, parameters))
    found.sort(key=lambda each: -each[0])
    return [(media, parameters) for _, media, parameters in found]


def _split(parameter: str) -> tuple[str, str, str]:
    return parameter.partition("=")
