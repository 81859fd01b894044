"""The root of subscriptions."""

import strawberry

from resolvers.store import StoreSubscriptions


@strawberry.type(description="What is told as it happens.")
class Subscription(StoreSubscriptions):
    pass
