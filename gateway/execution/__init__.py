"""The breadth-first engine: executes operations of an unchanged schema layer by layer, each field once for
all its parents.

It imports nothing of the rest of the gateway, and serves any application of Strawberry or graphql-core:

    from gateway.execution import ExecutionContext, execute
"""

from gateway.execution.executor import EncodableExecutionContext, ExecutionContext, execute

__all__ = ["EncodableExecutionContext", "ExecutionContext", "execute"]
