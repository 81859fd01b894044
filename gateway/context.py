"""From a request to what resolvers see."""

from backends.federation import Federation
from backends.records import Scope
from backends.watching import HealthWatch
from gateway.settings import Settings
from resolvers.context import Context


def create_context(federation: Federation, watch: HealthWatch, settings: Settings) -> Context:
    """The context of one operation."""
    return Context(
        federation, watch, Scope(settings.tenant), settings.page_limits, settings.search_rules
    )
