"""Whether the process lives, and whether each role can be played."""

from logging import getLogger

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backends.federation import Federation, StoreHealth
from backends.records import Health

log = getLogger("memory_gateway")


class RoleHealth(msgspec.Struct, rename="camel"):
    """How the store that plays a role is."""

    store: str
    status: str
    latency_ms: float | None
    message: str | None


async def healthz(_: Request) -> Response:
    """200 as long as the process answers at all."""
    return _json({"status": "ok"})


async def warn(federation: Federation) -> None:
    """Log every store that is not up, and why: a gateway starts without them, and finds them later."""
    for store in await federation.health():
        if store.health is not Health.UP:
            reason = store.message or "it says so itself"
            log.warning("store %s is %s: %s", store.name, store.health.value, reason)


class Ready:
    """200 when every role's store answers, else 503; either way role by role.

    A lost cache costs time and no answer, so it does not make the gateway less ready.
    """

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    async def __call__(self, _: Request) -> Response:
        """Ask every store now."""
        stores = await self._federation.health()
        ready = all(store.health is not Health.DOWN for store in stores if _needed(store))
        roles = {role: _role(store) for store in stores for role in store.roles}
        return _json({"ready": ready, "roles": roles}, 200 if ready else 503)


def _needed(store: StoreHealth) -> bool:
    """Whether there are questions that no answer can be given to without this store."""
    return any(role != "cache" for role in store.roles)


def _role(store: StoreHealth) -> RoleHealth:
    latency = None if store.latency is None else round(store.latency * 1_000, 3)
    return RoleHealth(store.name, store.health.value, latency, store.message)


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
