"""What stands before fields of the library: permissions and extensions of every kind."""

from collections.abc import Callable
from typing import Any

from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.types import Info


class Allows(BasePermission):
    def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return True


class Denies(BasePermission):
    message = "denied"
    error_extensions = {"code": "DENIED"}  # noqa: RUF012 - as Strawberry's own is

    def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return False


class Raises(BasePermission):
    def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        raise ValueError("a permission that raises")


class AsksTheSource(BasePermission):
    message = "not this one"

    def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return source.number % 2 == 0


class AllowsLater(BasePermission):
    async def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return True


class DeniesLater(BasePermission):
    message = "denied later"

    async def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return False


class AsksTheArguments(BasePermission):
    """Looks at the arguments and not at the parent."""

    message = "too many times"
    independent_of_source = True

    def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return arguments.get("times", 0) < 3


class AsksTheArgumentsLater(BasePermission):
    message = "too many times, later"
    independent_of_source = True

    async def has_permission(self, source: Any, info: Info, **arguments: Any) -> bool:
        return arguments.get("times", 0) < 3


class Loudly(FieldExtension):
    """For resolvers that give text at once."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any) -> Any:
        return next_(source, info, **arguments).upper() + "!"


class LoudlyLater(FieldExtension):
    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any
    ) -> Any:
        return (await next_(source, info, **arguments)).upper() + "!"


class Once(FieldExtension):
    """Does not look at the parent; has its own answer for some arguments."""

    independent_of_source = True

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any
    ) -> Any:
        if arguments.get("times") == 2:
            return "always"
        return await next_(source, info, **{**arguments, "times": arguments["times"] + 1})
