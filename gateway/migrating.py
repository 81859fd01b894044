"""`memory-gateway migrate`: what each store must have to play its roles."""

from collections.abc import Sequence

from rich.console import Console

from backends.errors import MemoryGatewayError
from backends.federation import Federation
from gateway.settings import Settings

SHOWN = 3
"""Changes that a message names; `migrate --dry-run` lists them all."""


async def migrate(settings: Settings, *, dry_run: bool, console: Console, errors: Console) -> bool:
    """Bring every store up to date, or only say what that would change; gives whether all went well.

    A store that fails is told on `errors` with its reason, and the others go on.
    """
    federation = Federation(settings.federation)
    well = True
    for name, store in federation.stores.items():
        try:
            changes = await store.migrate(federation.needs_of(name), dry_run=dry_run)
        except MemoryGatewayError as error:
            errors.print(f"{name}: {error}", style="red", markup=False, soft_wrap=True)
            well = False
            continue
        console.print(f"{name}: {_summary(len(changes), dry_run)}", markup=False, soft_wrap=True)
        for change in changes:
            console.print(f"  {change}", markup=False, highlight=False, soft_wrap=True)
    return well


def some(changes: Sequence[str]) -> str:
    """The first of some changes, for a message."""
    more = len(changes) - SHOWN
    return "; ".join(changes[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _summary(changes: int, dry_run: bool) -> str:
    if not changes:
        return "nothing to do"
    number = "1 change" if changes == 1 else f"{changes} changes"
    return f"{number} to make" if dry_run else f"{number} made"
