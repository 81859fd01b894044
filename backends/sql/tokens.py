"""Writing the tokens of metadata beside records and entries."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select

from backends.records import Kind, Scope
from backends.sql import tables
from backends.sql.dialect import one_of
from backends.sql.engine import SqlEngine


async def write_tokens(
    engine: SqlEngine, scope: Scope, kind: Kind, tokens: Mapping[str, Sequence[str]]
) -> None:
    """Make the tokens of these keys what is given; what is there already stays untouched."""
    t = tables.metadata_token.c
    ours = (t.tenant == scope.tenant, t.kind == kind.value, one_of(t.key, list(tokens)))
    before: dict[str, set[str]] = {}
    for key, token in await engine.rows(select(t.key, t.token).where(*ours)):
        before.setdefault(key, set()).add(token)
    changed = {key for key in tokens if before.get(key, set()) != set(tokens[key])}
    stale = [key for key in changed if key in before]
    if stale:
        await engine.write(
            delete(tables.metadata_token).where(
                t.tenant == scope.tenant, t.kind == kind.value, one_of(t.key, stale)
            )
        )
    await engine.write(
        insert(tables.metadata_token),
        [
            {"tenant": scope.tenant, "kind": kind.value, "key": key, "token": token}
            for key in changed
            for token in tokens[key]
        ],
    )
