"""Batch resolvers: a field resolved once for all its parents at a place of the query.

    @strawberry.field(description=…)
    @batched
    @staticmethod
    async def chunks(parents: list[records.Document], info: Info, first: First = UNSET)
            -> list[ChunkConnection | None]: …

The function takes the parents and gives one value for each, in order; an exception in the list fails one
parent, a raise all of them.  `batched` makes of it the resolver that an executor calls per object: it
pools the parents that come within one tick of the event loop.  The function itself stays reachable as
`__batch__`, for executors that know of it.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, get_args, get_origin

import strawberry

from resolvers.clocks import place_of
from resolvers.context import Context, Info

Batch = Callable[..., Awaitable[Sequence[Any]]]


def batched(function: Batch) -> Callable[..., Any]:
    """The per-object resolver of a batch function (a static method of its type)."""
    batch: Any = function.__func__ if isinstance(function, staticmethod) else function

    async def resolve(parent: Any, info: Info, **arguments: Any) -> Any:
        context = info.context
        key = (batch, place_of(info.path))
        pool = context.pools.get(key)
        if pool is None:
            pool = context.pools[key] = _Pool(batch, info, arguments)
            asyncio.get_running_loop().call_soon(pool.start, context, key)
        return await pool.add(parent)

    signature = inspect.signature(batch)
    parents, *others = signature.parameters.values()
    parent = inspect.Parameter(
        "parent",
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        annotation=strawberry.Parent[_item(parents.annotation)],
    )
    returned = _item(signature.return_annotation)
    resolve.__signature__ = signature.replace(  # pyright: ignore[reportFunctionMemberAccess]
        parameters=[parent, *others], return_annotation=returned
    )
    resolve.__annotations__ = {
        **{parameter.name: parameter.annotation for parameter in (parent, *others)},
        "return": returned,
    }
    resolve.__name__, resolve.__qualname__ = batch.__name__, batch.__qualname__
    resolve.__module__, resolve.__doc__ = batch.__module__, batch.__doc__
    resolve.__batch__ = batch  # pyright: ignore[reportFunctionMemberAccess]
    return resolve


class _Pool:
    """The parents of one field at one place that came within a tick."""

    def __init__(self, batch: Batch, info: Info, arguments: dict[str, Any]) -> None:
        self._batch = batch
        self._info = info
        self._arguments = arguments
        self._parents: list[Any] = []
        self._values: list[asyncio.Future[Any]] = []

    def add(self, parent: Any) -> "asyncio.Future[Any]":
        value = asyncio.get_running_loop().create_future()
        self._parents.append(parent)
        self._values.append(value)
        return value

    def start(self, context: Context, key: Any) -> None:
        """Close the pool and resolve what is in it; given up when nobody waits any more."""
        del context.pools[key]
        task = asyncio.ensure_future(self._run())
        context.tasks.add(task)
        task.add_done_callback(context.tasks.discard)
        waiting = list(self._values)

        def give_up(_: Any) -> None:
            if all(value.cancelled() for value in waiting):
                task.cancel()

        for value in waiting:
            value.add_done_callback(give_up)

    async def _run(self) -> None:
        try:
            results = await self._batch(self._parents, self._info, **self._arguments)
            if len(results) != len(self._parents):
                raise TypeError(
                    f"{self._batch.__qualname__} gave {len(results)} values "
                    f"for {len(self._parents)} parents"
                )
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the waiting fields
            results = [error] * len(self._parents)
        for value, result in zip(self._values, results, strict=True):
            if value.done():
                continue
            if isinstance(result, Exception):
                value.set_exception(result)
            else:
                value.set_result(result)


def _item(annotation: Any) -> Any:
    """The X of `list[X]`."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    (item,) = get_args(annotation)
    return item
