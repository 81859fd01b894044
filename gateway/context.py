"""From a request to what resolvers see."""

from graphql import DocumentNode

from backends.federation import Federation
from backends.records import Scope
from gateway.settings import Settings
from resolvers.context import Context


class OperationContext(Context):
    """A resolver's context, with the document that is executed."""

    document: DocumentNode


def create_context(
    federation: Federation, settings: Settings, document: DocumentNode
) -> OperationContext:
    """The context of one operation."""
    scope = Scope(settings.tenant)
    context = OperationContext(federation, scope, settings.page_limits, settings.search_rules)
    context.document = document
    return context
