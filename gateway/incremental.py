"""Answers in parts, @defer and @stream: documents with and without them, and the frames that clients read.

CURRENT is the format of the specification's draft (`pending`, `incremental` with ids, `completed`).  OLDER is
that of August 2022, which knows parts by their paths, and of which clients read @defer alone.
"""

from collections.abc import Collection, Sequence
from typing import Any

import graphql
from graphql import DirectiveNode, DocumentNode, GraphQLError, Visitor

from gateway.errors import present_all

CURRENT = "v0.2"
OLDER = "20220824"
FORMATS = (CURRENT, OLDER)

DIRECTIVES = frozenset({"defer", "stream"})


def without(document: DocumentNode, directives: Collection[str]) -> DocumentNode:
    """The document without these directives: the same one if it has none of them."""
    return graphql.visit(document, _Removing(directives))


class _Removing(Visitor):
    def __init__(self, directives: Collection[str]) -> None:
        super().__init__()
        self._directives = directives

    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return self.REMOVE if node.name.value in self._directives else None


class Frames:
    """Makes the frames of one answer from the results of graphql-core."""

    def __init__(self, form: str) -> None:
        self._is_older = form == OLDER
        self._pending: dict[str, Any] = {}

    def first(self, result: graphql.InitialIncrementalExecutionResult) -> dict[str, Any]:
        """The part that is there at once."""
        frame: dict[str, Any] = {"data": result.data} | _errors(result.errors)
        return frame | self._announced(result.pending) | {"hasNext": result.has_next}

    def following(self, result: graphql.SubsequentIncrementalExecutionResult) -> dict[str, Any]:
        """Parts that have come since."""
        announced = self._announced(result.pending or [])
        parts = [self._part(each) for each in result.incremental or []]
        ended: list[Any] = []
        for each in result.completed or []:
            ended += self._ended(each.id, each.errors)
        return self._frame(announced, parts, ended, has_next=result.has_next)

    def failed(self, errors: Sequence[GraphQLError]) -> dict[str, Any]:
        """The last frame, where what is still pending will not come."""
        ended: list[Any] = []
        for key in list(self._pending):
            ended += self._ended(key, errors)
        return self._frame({}, [], ended, has_next=False)

    def _frame(
        self, announced: dict[str, Any], parts: list[Any], ended: list[Any], *, has_next: bool
    ) -> dict[str, Any]:
        frame = announced
        if self._is_older:
            parts = parts + ended
        elif ended:
            frame = frame | {"completed": ended}
        return frame | ({"incremental": parts} if parts else {}) | {"hasNext": has_next}

    def _announced(self, pending: Sequence[Any]) -> dict[str, Any]:
        self._pending |= {each.id: each for each in pending}
        if self._is_older or not pending:
            return {}
        return {"pending": [each.formatted for each in pending]}

    def _part(self, part: Any) -> dict[str, Any]:
        content = {name: getattr(part, name) for name in ("data", "items") if hasattr(part, name)}
        content |= _errors(part.errors)
        if self._is_older:
            return content | self._place(part.id, part.sub_path)
        return {"id": part.id} | ({"subPath": part.sub_path} if part.sub_path else {}) | content

    def _ended(self, key: str, errors: Sequence[GraphQLError] | None) -> list[Any]:
        place = self._place(key, None)
        del self._pending[key]
        if self._is_older:
            return [{"data": None} | _errors(errors) | place] if errors else []
        return [{"id": key} | _errors(errors)]

    def _place(self, key: str, sub_path: Sequence[str | int] | None) -> dict[str, Any]:
        pending = self._pending[key]
        label = {"label": pending.label} if pending.label else {}
        return {"path": [*pending.path, *(sub_path or ())]} | label


def _errors(errors: Sequence[GraphQLError] | None) -> dict[str, Any]:
    return {"errors": present_all(errors, executed=True)} if errors else {}
