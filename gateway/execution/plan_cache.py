"""Plans that are kept: one for each operation and each set of values of the variables that it branches on.

A plan is found by the text of the document, so that a document which is parsed anew for each request finds
its plan again.  An operation that is put together from several documents is compiled each time: its text
does not say what it is.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from graphql import GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from gateway.execution.plan import Plan
from gateway.execution.unsupported import Unsupported, branch_variables

OPERATIONS = 512
"""Operations that are kept for a schema."""
VARIANTS = 32
"""Plans that are kept for an operation: twice as many for each Boolean that it branches on."""
LONGEST = 32 * 1024
"""Characters of a document whose operations are kept; with the numbers above this bounds the memory."""

_CONDITIONS = (bool, type(None))

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V], Generic[K, V]):
    """The entries used last, up to a number."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def find(self, key: K) -> V | None:
        """The entry, now the one used last."""
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep an entry, and let go of the one that was not used for longest."""
        self[key] = value
        if len(self) > self._most:
            self.popitem(last=False)


class Operation:
    """An operation: the variables that it branches on, or why it is left to graphql-core, and its plans."""

    __slots__ = ("_fragments", "_names", "_operation", "_plans", "_reason")

    def __init__(
        self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]
    ) -> None:
        self._operation = operation
        self._fragments = fragments
        self._reason: str | None = None
        self._names: tuple[str, ...] = ()
        self._plans: Recent[tuple[Any, ...], Plan] = Recent(VARIANTS)
        try:
            self._names = branch_variables(operation, fragments)
        except Unsupported as error:
            self._reason = str(error)

    def is_of(
        self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]
    ) -> bool:
        """Whether this is the operation: what was changed after it was parsed keeps its place in the text."""
        if operation is self._operation and all(
            fragment.definition is self._fragments[name].definition
            for name, fragment in fragments.items()
        ):
            return True
        return operation == self._operation and fragments == self._fragments

    def plan(self, schema: GraphQLSchema, variables: VariableValues) -> Plan:
        """The plan for these values of the variables.  Raises Unsupported, GraphQLError."""
        if self._reason is not None:
            raise Unsupported(self._reason)
        values = tuple(variables.coerced.get(name) for name in self._names)
        if not all(type(value) in _CONDITIONS for value in values):
            raise Unsupported("a condition that is no Boolean")  # it was not validated
        plan = self._plans.find(values)
        if plan is None:
            branches = _only(variables, self._names)
            plan = Plan(schema, self._operation, self._fragments, branches)
            self._plans.put(values, plan)
        return plan


class PlanCache:
    """The plans of one schema."""

    KEY = "breadth-first plans"

    def __init__(self) -> None:
        self._operations: Recent[tuple[str, int], Operation] = Recent(OPERATIONS)

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "PlanCache":
        """The cache of a schema, which lives as long as the schema does."""
        cache = schema.extensions.get(cls.KEY)
        if cache is None:
            cache = schema.extensions[cls.KEY] = cls()
        return cache

    def plan(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDetails],
        variables: VariableValues,
    ) -> Plan:
        """The plan of an operation.  Raises Unsupported, GraphQLError."""
        key = _key(operation, fragments)
        known = self._operations.find(key) if key is not None else None
        if known is None or not known.is_of(operation, fragments):
            known = Operation(operation, fragments)
            if key is not None:
                self._operations.put(key, known)
        return known.plan(schema, variables)


def _key(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]
) -> tuple[str, int] | None:
    """What an operation is found by: its document's text, and where it stands there."""
    if operation.loc is None or len(operation.loc.source.body) > LONGEST:
        return None
    source = operation.loc.source
    for fragment in fragments.values():
        if fragment.definition.loc is None or fragment.definition.loc.source is not source:
            return None
    return source.body, operation.loc.start


def _only(variables: VariableValues, names: tuple[str, ...]) -> VariableValues:
    """These variables alone: a plan depends on no other, and holds no other."""
    return VariableValues(
        {name: variables.sources[name] for name in names if name in variables.sources},
        {name: variables.coerced[name] for name in names if name in variables.coerced},
    )
