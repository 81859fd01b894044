"""A gateway in this process, asked through HTTP without a network."""

import httpx
from starlette.applications import Starlette


def client_of(app: Starlette) -> httpx.AsyncClient:
    """Asks an application that runs, and takes the answers as they are: compressing a large one costs more
    than all else, and the choice is the client's."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://memory",
        timeout=60,
        headers={"accept-encoding": "identity"},
    )
