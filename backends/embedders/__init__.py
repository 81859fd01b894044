"""Embedders: text to vectors, by a model in this process or behind an OpenAI-compatible API."""

from typing import Literal

import msgspec

from backends.roles import Embedder


class EmbedderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which embedder.  `url`, `api_key` and `timeout` (seconds) are for kind `openai`."""

    kind: Literal["wordllama", "openai"] = "wordllama"
    model: str = "l2_supercat"
    dimension: int = 256
    url: str = "https://api.openai.com/v1"
    api_key: str | None = None
    timeout: float = 30.0


def create_embedder(config: EmbedderConfig) -> Embedder:
    """The embedder that the configuration names; its module is imported here, its model when it opens."""
    if config.kind == "openai":
        from backends.embedders.openai import OpenAIEmbedder

        return OpenAIEmbedder(
            model=config.model,
            dimension=config.dimension,
            url=config.url,
            api_key=config.api_key,
            timeout=config.timeout,
        )
    from backends.embedders.wordllama import WordLlamaEmbedder

    return WordLlamaEmbedder(model=config.model, dimension=config.dimension)
