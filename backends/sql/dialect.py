"""Where the dialects differ: lists of values, a window per parent, text that holds text.

    SQLite        json_each(:values)      json_each((SELECT json_group_array(id) FROM window))
    PostgreSQL    unnest(:values)         LATERAL window            (to come)

Both shapes answer a page for each of many parents in one statement that reads only the rows of the
pages: numbering all rows of all parents costs twenty times as much (semantics.md, For adapters).
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    TableValuedAlias,
    Text,
    column,
    false,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.selectable import Join

PARENT: ColumnElement[Any] = literal_column("parent.value", Text)
"""The parent's key inside a window made by `per_parent`."""


def json_list(values: Sequence[Any]) -> str:
    """A list as one parameter."""
    return msgspec.json.encode(values).decode()


def one_of(target: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether `target` is among the values, however many: one parameter."""
    # No stored text holds U+0000, and json_each would take what stands before it for the whole.
    storable = [value for value in values if "\0" not in value]
    listed = func.json_each(json_list(storable)).table_valued("value")
    return target.in_(select(listed.c.value))


def parents(keys: Sequence[str]) -> TableValuedAlias:
    """The keys as rows: `key` is the place in the list, `value` the key."""
    storable = ["" if "\0" in key else key for key in keys]  # no key is empty
    return func.json_each(json_list(storable)).table_valued(
        column("key", Integer), column("value", Text), name="parent"
    )


def per_parent(window: Select[Any]) -> TableValuedAlias:
    """The first column of a window that names `PARENT`, for each parent: `key` is the place in the
    window, `value` the column."""
    inner = window.subquery("w")
    listed = select(func.json_group_array(inner.c[0])).select_from(inner).scalar_subquery()
    return func.json_each(listed).table_valued(
        column("key", Integer), column("value"), name="item", joins_implicitly=True
    )


class CrossJoin(Join):
    """A join that SQLite does not turn round.

    Left to itself it walks all rows of a tenant and asks the few on the left about each: for a search
    488 ms against 2, for a page of each of 1,000 parents 3.5 s against 1.2 ms.
    """

    inherit_cache = True


@compiles(CrossJoin)
def _compile(element: Any, compiler: Any, **options: Any) -> str:
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    if linter := options.get("from_linter"):  # SQLAlchemy's check for joins that were forgotten
        ends = product(element.left._from_objects, element.right._from_objects)
        linter.edges.update(ends)
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause)}"


def contains(target: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether `target` holds `text`, ASCII letters of either case; no character is special."""
    if "\0" in text:
        return false()  # no stored text holds U+0000, and SQLite's functions would stop there
    return func.instr(func.lower(target), func.lower(text)) > 0
