"""Qdrant, whose server no package registry carries: only one that the environment names."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

from qdrant_client import AsyncQdrantClient

from tests.servers.process import ServerMissing, given

VARIABLE = "MEMORY_GATEWAY_TEST_QDRANT_URL"


@contextmanager
def serving() -> Generator[str]:
    """The server's URL.  Raises ServerMissing where the environment names none."""
    if (url := given(VARIABLE)) is None:
        raise ServerMissing(f"there is no Qdrant server to start; name a running one in {VARIABLE}")
    yield url


@asynccontextmanager
async def collections(url: str) -> AsyncGenerator[str]:
    """A prefix for collections of one's own, which are deleted afterwards."""
    prefix = f"test_{uuid4().hex}"
    try:
        yield prefix
    finally:
        client = AsyncQdrantClient(url, check_compatibility=False)
        for each in (await client.get_collections()).collections:
            if each.name.startswith(prefix):
                await client.delete_collection(each.name)
        await client.close()
