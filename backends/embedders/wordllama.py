"""WordLlama: static token embeddings, in this process and offline (its weights are in its wheel)."""

import asyncio
import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.errors import ConfigurationError
from backends.records import VectorSpace
from backends.roles import Vector
from backends.vectors import unit

LONGEST = 20_000
"""Characters of a text that are looked at."""
PADDED = 64_000
"""Characters of a batch, each text counted as long as the longest: the model pads, and takes about a
kilobyte for each token."""
SHIPPED_DIMENSION = 256
"""Length of the vectors in the wheel; fewer are their first ones, as the model was trained for."""


class WordLlamaEmbedder:
    """Embeds on a thread.  The model is read when it is first needed."""

    def __init__(self, *, model: str, dimension: int) -> None:
        self.space = VectorSpace(f"wordllama/{model}", dimension)
        self._name = model
        self._model: Any = None
        self._loading = asyncio.Lock()

    async def open(self) -> None:
        """Nothing: a gateway that is asked no vector question never needs the model."""

    async def close(self) -> None:
        """Let the model go."""
        self._model = None

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        """A vector of length 1 for each text; `None` where no token is known."""
        async with self._loading:
            if self._model is None:
                self._model = await asyncio.to_thread(self._load)
        vectors: list[Vector | None] = [None] * len(texts)
        for places in _batches([min(len(text), LONGEST) for text in texts]):
            batch = [texts[place][:LONGEST] for place in places]
            made = await asyncio.to_thread(self._embed, batch)
            for place, vector in zip(places, made, strict=True):
                vectors[place] = vector
        return vectors

    def _embed(self, texts: list[str]) -> list[Vector | None]:
        # norm=True would divide by zero, and say NaN, for a text without tokens.
        return [unit(row) for row in self._model.embed(texts, norm=False)]

    def _load(self) -> Any:
        with _logging_untouched():
            import wordllama

        folder = Path(wordllama.__file__).parent
        try:
            return wordllama.WordLlama.load(
                config=self._name,
                cache_dir=folder,
                dim=SHIPPED_DIMENSION,
                trunc_dim=self.space.dimension,
                disable_download=True,
            )
        except (ValueError, FileNotFoundError) as error:
            raise ConfigurationError(
                f"embedder: wordllama has no model {self._name!r} with {self.space.dimension} "
                f"dimensions in its wheel (it carries l2_supercat with 256, or cut to fewer): {error}"
            ) from error


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts to embed together, those of like length in one batch."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[place] * (len(batch) + 1) > PADDED:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


@contextmanager
def _logging_untouched() -> Generator[None]:
    """Undo what happens to the root logger within: wordllama configures it when it is imported."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
