"""What the client can read: the Accept header."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

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

    @property
    def for_errors(self) -> str:
        """What says that there is no answer."""
        return self.single or JSON


def accepted(header: str | None) -> Accepted:
    """What of ours a client takes.  Raises Refused."""
    ranges = _ranges("*/*" if header is None else header)
    single = next((_SINGLE[each] for each in ranges if each in _SINGLE), None)
    stream = next((each for each in ranges if each in _STREAMS), None)
    if single is None and stream is None:
        message = f"none of {header!r:.120} can be given; accept {GRAPHQL_RESPONSE} or {JSON}"
        raise Refused(406, "BAD_USER_INPUT", message)
    return Accepted(single, stream)


def _ranges(header: str) -> Sequence[str]:
    """The media ranges without parameters, the most wanted first; in their order where they are equal."""
    found: list[tuple[float, str]] = []
    for part in header.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                with suppress(ValueError):
                    quality = float(parameter.removeprefix("q="))
        if quality > 0:
            found.append((quality, media))
    return [media for _, media in sorted(found, key=lambda each: -each[0])]
