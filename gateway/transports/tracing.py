"""`extensions.trace`: what an answer took, and each call that was made to a store for it.

Only for who asks by the header, and only where the settings allow it: it tells the names of stores, and how busy
they are.  Without the header nothing is recorded.
"""

import time
from collections.abc import Sequence

import msgspec

from backends.trace import StoreCall, recording
from gateway.execution.encoding import encode
from gateway.transports.service import Answer, Operation, Service

HEADER = "x-memory-gateway-trace"


class Call(msgspec.Struct, frozen=True):
    """A call to a store; `start` in milliseconds after the request had been read, `ms` its length."""

    store: str
    role: str
    method: str
    size: int
    """Keys that it was about."""
    hits: int | None
    """Keys that a cache had."""
    level: int
    """One more than that of the calls that had ended when it began: it may have waited for those."""
    start: float
    ms: float
    error: str | None


class Stages(msgspec.Struct, frozen=True):
    """Milliseconds of each part of the work."""

    document: float
    """Parsing and validation, or finding what was remembered of them."""
    execution: float
    encoding: float


class Trace(msgspec.Struct, frozen=True):
    """What an answer took."""

    ms: float
    stages: Stages
    calls: list[Call]


async def traced(service: Service, operation: Operation, began: float) -> tuple[Answer, bytes]:
    """The answer, and it encoded with its trace; its document was prepared from `began` until now."""
    prepared = time.perf_counter()
    with recording() as calls:
        answer = await service.answer(operation)
    executed = time.perf_counter()
    body = encode(answer.content)
    encoded = time.perf_counter()
    stages = Stages(_ms(prepared - began), _ms(executed - prepared), _ms(encoded - executed))
    trace = Trace(_ms(encoded - began), stages, list_calls(calls, began))
    return answer, body[:-1] + b"," + encode({"extensions": {"trace": trace}})[1:]


def list_calls(calls: Sequence[StoreCall], began: float) -> list[Call]:
    """The calls in the order in which they began, with their levels."""
    listed: list[Call] = []
    for call in sorted(calls, key=lambda call: call.started):
        start = _ms(call.started - began)
        level = 1 + max((each.level for each in listed if each.start + each.ms <= start), default=0)
        listed.append(
            Call(
                call.store, call.role, call.method, call.size, call.hits,
                level, start, _ms(call.seconds), call.error,
            )
        )  # fmt: skip
    return listed


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 3)
