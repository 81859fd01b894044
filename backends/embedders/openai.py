"""Any server with OpenAI's embeddings API: Ollama, vLLM, OpenAI itself."""

from collections.abc import Sequence

import httpx
import msgspec

from backends.errors import StoreRejected, StoreTimeout, StoreUnavailable
from backends.records import VectorSpace
from backends.roles import Vector
from backends.vectors import unit

BATCH = 128
"""Texts of one request."""
NAME = "embedder"
"""What errors call it, in the place of a store's name."""


class _Embedding(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Embedding]


class OpenAIEmbedder:
    """Asks `POST {url}/embeddings`; texts without a word are not sent, and have no vector."""

    def __init__(
        self, *, model: str, dimension: int, url: str, api_key: str | None, timeout: float
    ) -> None:
        self.space = VectorSpace(model, dimension)
        self._url = url.rstrip("/") + "/embeddings"
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout)

    async def open(self) -> None:
        """Nothing: the first request connects."""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        """A vector of length 1 for each text."""
        vectors: list[Vector | None] = [None] * len(texts)
        usable = [place for place, text in enumerate(texts) if text.strip()]
        for start in range(0, len(usable), BATCH):
            places = usable[start : start + BATCH]
            answer = await self._ask([texts[place] for place in places])
            for place, vector in zip(places, map(unit, answer), strict=True):
                vectors[place] = vector
        return vectors

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        try:
            response = await self._client.post(
                self._url, json={"model": self.space.model, "input": texts}
            )
            response.raise_for_status()
            answer = msgspec.json.decode(response.content, type=_Answer)
        except httpx.TimeoutException as error:
            raise StoreTimeout(NAME, f"embedder: no answer from {self._url} in time") from error
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise StoreRejected(NAME, f"embedder: {self._url} answered {status}") from error
        except httpx.HTTPError as error:
            raise StoreUnavailable(NAME, f"embedder: {self._url}: {error}") from error
        except msgspec.DecodeError as error:
            raise StoreRejected(
                NAME, f"embedder: {self._url} answered no vectors: {error}"
            ) from error
        return self._checked(answer, len(texts))

    def _checked(self, answer: _Answer, count: int) -> list[list[float]]:
        rows = [each.embedding for each in sorted(answer.data, key=lambda each: each.index)]
        lengths = {len(row) for row in rows}
        if len(rows) != count or lengths - {self.space.dimension}:
            raise StoreRejected(
                NAME,
                f"embedder: {self._url} answered {len(rows)} vectors of {sorted(lengths)} dimensions, "
                f"{count} of {self.space.dimension} were expected; set embedder.dimension",
            )
        return rows
