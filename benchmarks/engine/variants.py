"""The contestants in Python: Strawberry as it comes, the engine beneath the same and beneath batch resolvers,
and by hand."""

import json
from collections.abc import Callable
from typing import Any

import strawberry

from benchmarks.engine import schemas
from benchmarks.engine.by_hand import ByHand
from benchmarks.engine.contestants import Answer, InPython
from benchmarks.engine.data import Memory
from gateway.execution import ExecutionContext
from gateway.execution.encoding import encode
from gateway.operations import Operations
from gateway.settings import Settings

STOCK = "Strawberry + aiodataloader"
UNCACHED = "… that parses and validates each time"
SAME = "engine, resolvers unchanged"
BATCH = "engine, batch resolvers"
BY_HAND = "by hand: dicts + orjson"


def create_variants(memory: Memory) -> list[InPython]:
    """All of them."""
    return [
        InPython(STOCK, in_strawberry(*schemas.stock(memory))),
        InPython(UNCACHED, in_strawberry(*schemas.stock(memory, is_cached=False))),
        InPython(
            SAME, in_strawberry(*schemas.stock(memory, execution_context_class=ExecutionContext))
        ),
        InPython(BATCH, in_gateway(*schemas.batch(memory))),
        InPython(BY_HAND, ByHand(memory).answer),
    ]


def in_strawberry(schema: strawberry.Schema, create_context: Callable[[], Any]) -> Answer:
    """As Strawberry's views answer."""

    async def answer(text: str, variables: dict[str, int]) -> bytes:
        result = await schema.execute(
            text, variable_values=variables, context_value=create_context()
        )
        assert not result.errors, result.errors
        return json.dumps({"data": result.data}).encode()

    return answer


def in_gateway(schema: strawberry.Schema, create_context: Callable[[], Any]) -> Answer:
    """As the gateway answers, but for HTTP."""
    operations = Operations(schema, Settings())

    async def answer(text: str, variables: dict[str, int]) -> bytes:
        prepared = operations.prepare(text)
        assert prepared.document is not None, prepared.errors
        result = await operations.run(
            prepared.document, create_context(), variables=variables, operation_name=None
        )
        assert not result.errors, result.errors
        return encode({"data": result.data})

    return answer
