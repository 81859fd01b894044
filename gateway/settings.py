"""Settings: a TOML file, then the environment; nothing else reads either.

Environment variables begin with MEMORY_GATEWAY_, two underscores between levels:
MEMORY_GATEWAY_PORT, MEMORY_GATEWAY_STORES__GRAPH__PASSWORD.  Which file, in this order:

    --config FILE · --database FILE (an embedded file) · MEMORY_GATEWAY_CONFIG · ./gateway.toml ·
    the embedded file ./memory.db
"""

import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from backends.caching.records import CacheRules
from backends.embedders import EmbedderConfig
from backends.errors import ConfigurationError
from backends.federation import FederationConfig, RolesConfig, StoreConfig
from backends.records import Kind
from gateway.limits import DocumentLimits
from gateway.sections import (
    WEIGHTS,
    ByKind,
    CacheSettings,
    DocumentSettings,
    EmbedderSettings,
    ExplorerSettings,
    HttpSettings,
    LimitSettings,
    RoleSettings,
    SearchSettings,
    StoreSettings,
    StreamSettings,
)
from loaders.search import SearchRules
from resolvers.context import Limits

PREFIX = "MEMORY_GATEWAY_"
EMBEDDED = "embedded"
"""The name of the store that is there when none is configured."""
DEFAULT_DATABASE = Path("memory.db")
DEFAULT_CONFIG = Path("gateway.toml")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", validate_assignment=True
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=256)
    tenant: str = Field(default="default", min_length=1, max_length=200)
    execution: Literal["breadth_first", "graphql_core"] = "breadth_first"
    stores: dict[str, StoreSettings] = Field(default_factory=dict)
    roles: RoleSettings | None = None
    embedder: EmbedderSettings = Field(default_factory=EmbedderSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    documents: DocumentSettings = Field(default_factory=DocumentSettings)
    streams: StreamSettings = Field(default_factory=StreamSettings)
    explorer: ExplorerSettings = Field(default_factory=ExplorerSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    cache: CacheSettings = Field(default_factory=CacheSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file (which is passed to the constructor)."""
        assert isinstance(init_settings, InitSettingsSource)
        return env_settings, init_settings

    @property
    def federation(self) -> FederationConfig:
        """What the backends are to be built from.  Raises ConfigurationError."""
        stores = {
            name: StoreConfig(
                kind=store.kind, timeout=store.timeout, options=store.model_extra or {}
            )
            for name, store in self.stores.items()
        }
        return FederationConfig(
            stores=stores,
            roles=self._roles(),
            embedder=EmbedderConfig(**self.embedder.model_dump()),
            cache=CacheRules(
                ttl={Kind[name.upper()]: life for name, life in self.cache.ttl},
                largest=self.cache.largest_record,
            ),
        )

    @property
    def page_limits(self) -> Limits:
        """What one field may ask for."""
        return Limits(
            default_page=self.limits.default_page,
            largest_page=self.limits.largest_page,
            longest_query=self.limits.longest_search,
        )

    @property
    def document_limits(self) -> DocumentLimits:
        """How large a document may be."""
        limits = self.limits
        return DocumentLimits(
            tokens=limits.tokens,
            depth=limits.depth,
            aliases=limits.aliases,
            fields=limits.fields,
            overlaps=limits.overlaps,
        )

    @property
    def search_rules(self) -> SearchRules:
        """How legs are asked and fused."""
        vector, keyword = WEIGHTS[self.embedder.kind]
        given = self.search
        return SearchRules(
            depth=given.depth,
            vector_weight=vector if given.vector_weight is None else given.vector_weight,
            keyword_weight=keyword if given.keyword_weight is None else given.keyword_weight,
        )

    def _roles(self) -> RolesConfig:
        if self.roles is not None:
            return RolesConfig(
                texts=self.roles.texts,
                graph=self.roles.graph,
                keywords=_by_kind(self.roles.keywords),
                vectors=_by_kind(self.roles.vectors),
                cache=self.roles.cache,
            )
        if len(self.stores) != 1:
            raise ConfigurationError(
                f"[roles] is missing: {len(self.stores)} stores are configured, say which plays what"
            )
        return RolesConfig.all_by(next(iter(self.stores)))


class _OneOfTwo(Settings):
    """One of two configurations: the environment may speak of stores that only the other has."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, as far as it is about stores of the file, over the file."""
        assert isinstance(init_settings, InitSettingsSource)
        stores = cast("dict[str, Any]", init_settings.init_kwargs).get("stores", {})
        return _AboutStores(settings_cls, stores), init_settings


class _AboutStores(EnvSettingsSource):
    """The environment without stores other than these."""

    def __init__(self, settings_cls: type[BaseSettings], stores: Collection[str]) -> None:
        super().__init__(settings_cls)
        self._stores = stores

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if isinstance(stores := values.get("stores"), dict):
            given = cast("dict[str, Any]", stores)
            values["stores"] = {name: given[name] for name in given if name in self._stores}
        return values


def load_settings(
    *,
    config: Path | None = None,
    database: Path | None = None,
    read_only: bool = False,
    one_of_two: bool = False,
    **given: Any,
) -> Settings:
    """The settings in force; `given` are flags, which win over everything.

    A file is upgraded when it is opened, and not even written to if `read_only`.  Variables about a store
    that is not in the file are wrong, unless this is `one_of_two` configurations.  Raises
    ConfigurationError.
    """
    if config is not None and database is not None:
        raise ConfigurationError("--config and --database are both given; use one of them")
    values: dict[str, Any]
    if database is not None:
        values = _embedded(database)
    elif (path := config or _configured()) is not None:
        values = _read(path)
    else:
        values = _embedded(DEFAULT_DATABASE)
    try:
        settings = (_OneOfTwo if one_of_two else Settings)(**values)
        if read_only:
            _forbid_writing(settings)
        for name, value in given.items():
            if value is not None:
                setattr(settings, name, value)
        return settings
    except SettingsError as error:
        raise ConfigurationError(f"settings: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from error


def _configured() -> Path | None:
    if named := os.environ.get(PREFIX + "CONFIG"):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _embedded(path: Path) -> dict[str, Any]:
    return {"stores": {EMBEDDED: {"kind": "sql", "path": str(path)}}}


def _forbid_writing(settings: Settings) -> None:
    """Open files without upgrading or touching them; only kinds that are files know the option."""
    for store in settings.stores.values():
        if store.kind == "sql" and store.model_extra is not None:
            store.model_extra["read_only"] = True


def _by_kind(value: ByKind) -> dict[Kind, str]:
    if isinstance(value, str):
        return dict.fromkeys(Kind, value)
    return {Kind(name.upper()): store for name, store in value.items()}


def _explain(error: ValidationError) -> str:
    lines = [
        f"{'.'.join(map(str, each['loc']))}: {each['msg']} (it is {each['input']!r})"
        for each in error.errors()
    ]
    return "settings: " + "; ".join(lines)
