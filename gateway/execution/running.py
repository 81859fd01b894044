"""A run of a plan: layer by layer, each field once for all parents."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from graphql import GraphQLError
from graphql.execution import ExecutionResult

from gateway.execution.columns import Build, Column, Done, Layer, Leaves
from gateway.execution.core import Executor, assumes_nothing_awaitable, ignores_streams
from gateway.execution.errors import AnswerTooLarge, Damage, contained
from gateway.execution.plan import TOO_DEEP, Field, Plan, Selection
from gateway.execution.values import (
    AWAITABLE,
    ERROR,
    NULL,
    STREAM,
    adopted,
    is_awaitable,
    sort_of_value,
)
from gateway.execution.waiting import Pending, Waiting, unshared


class Run:
    """One execution of a plan."""

    __slots__ = (
        "_bubbling",
        "_build",
        "_infos",
        "_most_objects",
        "_objects",
        "_root",
        "_waiting",
        "executor",
        "is_sync",
        "plan",
        "reads_streams",
    )

    def __init__(
        self,
        plan: Plan,
        executor: Executor[Any],
        build: Build,
        *,
        most_objects: int | None = None,
    ) -> None:
        self.plan = plan
        self.executor = executor
        self.is_sync = executor.is_awaitable is assumes_nothing_awaitable
        """Whether values are taken as they are, even if they could be awaited."""
        self.reads_streams = not self.is_sync and not ignores_streams(executor.is_async_iterable)
        """Whether asynchronous iterables are lists."""
        self._build = build
        self._root = Layer(plan.root, 1)
        self._waiting = Waiting()
        self._bubbling = False
        self._objects = 0
        self._most_objects = most_objects
        self._infos: dict[Field, Any] = {}

    def start(self, *, serially: bool) -> ExecutionResult | Awaitable[ExecutionResult]:
        """The result; awaitable if anything of it has to be awaited.  `serially` runs one root field after
        another, and none after one whose error takes the whole answer."""
        try:
            waiting = self._begin(serially=serially)
        except BaseException as error:
            self._waiting.give_up_all()
            if isinstance(error, RecursionError):
                return self._too_deep()
            raise
        return self._finish() if waiting is None else self._finish_later(waiting)

    # What sources and completions ask for

    def info(self, field: Field) -> Any:
        """The field's info, one for all parents: its path has no indices."""
        if field not in self._infos:
            self._infos[field] = self.executor.build_resolve_info(
                field.definition, field.nodes, field.parent_type, field.path
            )
        return self._infos[field]

    def arguments(self, field: Field) -> dict[str, Any]:
        """The field's arguments.  Raises GraphQLError."""
        return field.arguments.values(
            self.executor.variable_values, hide_suggestions=self.executor.hide_suggestions
        )

    def layer(self, selection: Selection, parents: list[Any]) -> Layer:
        """Resolve a selection for all its parents.  Raises AnswerTooLarge."""
        self._objects += len(parents)
        if self._most_objects is not None and self._objects > self._most_objects:
            raise AnswerTooLarge(
                f"the answer has more than {self._most_objects:,} objects; "
                "ask for smaller pages, or split it into several requests"
            )
        layer = Layer(selection, len(parents))
        self._fill(layer, selection, parents)
        return layer

    def faulted(self) -> None:
        """Something failed that takes its parent with it: what is pending beneath may be lost."""
        self._bubbling = True

    def settled(
        self,
        cells: list[Any],
        go: Callable[[list[Any]], Column],
        *,
        fails: Callable[[Any], bool] | None,
        read: Callable[[Any], Awaitable[Any]] | None = None,
    ) -> Column:
        """What `go` makes of the cells when none of them has to be awaited any more; `read` reads those
        that are asynchronous iterables.  `fails` tells of which cells it is known that they take their
        parent with them."""
        if self.is_sync:
            return go(cells)
        pending = Pending(self._waiting, len(cells))
        for row, cell in enumerate(cells):
            sort = sort_of_value(cell)
            if sort & AWAITABLE:
                pending.awaited[row] = cell
            elif sort & STREAM and read is not None and self.reads_streams:
                pending.awaited[row] = read(cell)
            elif fails is not None and sort & (NULL | ERROR):
                pending.faulty[row] = cell
                self._bubbling = True
        if not pending.awaited:
            return go(cells)
        pending.go, pending.cells = go, cells
        work = self._settle(pending, list(cells), fails)
        self._waiting.add(pending, work, pending.awaited.values())
        return pending

    # Layers

    def _begin(self, *, serially: bool) -> Awaitable[None] | None:
        """Resolve what needs no waiting; gives the waiting, if there is any."""
        if serially:
            number = self._serially(0)
            return None if number is None else self._wait_serially(number)
        self._fill(self._root, self.plan.root, [self.executor.root_value])
        self._arrived()
        return self._waiting.drive() if self._waiting else None

    def _serially(self, first: int) -> int | None:
        """Run the root fields from `first` on, one after another, up to one that has to be waited for:
        its number, or `None` when all are done."""
        root, fields = self._root, self.plan.root.fields
        for number in range(first, len(fields)):
            root.columns.append(self._column(fields[number], [self.executor.root_value]))
            self._arrived()
            if self._waiting:
                return number
            if self._is_over():
                break
        return None

    async def _wait_serially(self, number: int) -> None:
        waited: int | None = number
        while waited is not None:
            await self._waiting.drive()
            waited = None if self._is_over() else self._serially(waited + 1)

    def _is_over(self) -> bool:
        """Whether the last root field that ran failed for good; the later ones are not run then."""
        root, fields = self._root, self.plan.root.fields
        number = len(root.columns) - 1
        done = Done(root.columns[number].assemble(self._build))
        root.columns[number] = done
        if not (fields[number].bubbles and done.lost()):
            return False
        root.columns += [Leaves(field, [None]) for field in fields[number + 1 :]]
        return True

    def _fill(self, layer: Layer, selection: Selection, parents: list[Any]) -> None:
        for field in selection.fields:
            column = self._column(field, parents) if parents else Leaves(field, [])
            layer.columns.append(column)

    def _column(self, field: Field, parents: list[Any]) -> Column:
        try:
            raw: Any = field.source.resolve(self, field, parents)
        except BaseException as error:  # noqa: BLE001 - `contained` tells which end more than this field
            raw = [contained(error)] * len(parents)
        if type(raw) is not list and is_awaitable(raw := adopted(raw)):
            pending = Pending(self._waiting, len(parents))
            self._waiting.add(pending, self._arrive(pending, field, raw), (raw,))
            return pending
        return field.completion.complete(self, field, _whole(field, raw, len(parents)))

    # What is awaited

    async def _arrive(self, pending: Pending, field: Field, column: Awaitable[Any]) -> None:
        """Await the values of a column that come all at once."""
        try:
            raw = _whole(field, await column, pending.size)
        except BaseException as error:  # noqa: BLE001 - as above
            raw = [contained(error)] * pending.size
        if pending.gone:
            raw = pending.without_gone(raw)
        pending.column = field.completion.complete(self, field, raw)
        self._arrived()

    async def _settle(
        self, pending: Pending, cells: list[Any], fails: Callable[[Any], bool] | None
    ) -> None:
        """Await cells that come one by one."""
        if pending.size == 1:  # alone: it needs no task of its own
            try:
                cells[0] = await unshared(pending.awaited[0])
            except BaseException as error:  # noqa: BLE001 - as above
                cells[0] = contained(error)
            pending.complete(cells)
            self._arrived()
            return
        futures = pending.start()
        if fails is not None and len(futures) > 1:
            for row, future in futures.items():
                future.add_done_callback(partial(self._look, pending, row, fails))
        try:
            results = await asyncio.gather(*futures.values(), return_exceptions=True)
        except BaseException:
            pending.drop()
            raise
        for row, result in zip(futures, results, strict=True):
            cells[row] = contained(result) if isinstance(result, BaseException) else result
        pending.complete(cells)
        self._arrived()

    def _look(
        self,
        pending: Pending,
        row: int,
        fails: Callable[[Any], bool],
        cell: "asyncio.Future[Any]",
    ) -> None:
        """A cell is here before the others: one that fails takes its parent with it at once."""
        if cell.cancelled():
            return
        error = cell.exception()
        value = cell.result() if error is None else error
        if fails(value):
            pending.faulty[row] = value
            self._bubbling = True
            self._arrived()

    def _arrived(self) -> None:
        """Give up what is beneath a null that has bubbled."""
        if self._bubbling:
            self._bubbling = False
            if self._waiting:
                self._root.abandon(self._root.lost())

    # The result

    async def _finish_later(self, work: Awaitable[None]) -> ExecutionResult:
        try:
            await work
        except RecursionError:
            return self._too_deep()
        finally:
            self._waiting.give_up_all()
        return self._finish()

    def _too_deep(self) -> ExecutionResult:
        return ExecutionResult(None, [GraphQLError(TOO_DEEP, self.plan.operation)])

    def _finish(self) -> ExecutionResult:
        try:
            (data,), damages = self._root.assemble(self._build)
        except RecursionError:
            return self._too_deep()
        damage: Damage | None = damages.get(0)
        return ExecutionResult(data, damage.errors() if damage else None)


def _whole(field: Field, raw: Any, size: int) -> list[Any]:
    """The values of a column, one for each parent."""
    try:
        column = cast("list[Any]", raw) if isinstance(raw, list) else list(raw)
    except Exception as error:  # noqa: BLE001 - it is the batch function's
        return [error] * size
    if len(column) != size:
        message = (
            f"The batch function of {field.parent_type}.{field.name} gave {len(column)} values "
            f"for {size} parents; it must give one for each, in their order."
        )
        return [TypeError(message)] * size
    return column
