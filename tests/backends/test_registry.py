"""Kinds of store: ours, those of other packages by entry point, and what is said when one is missing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import registry
from backends.errors import ConfigurationError, MissingExtra
from tests.support import running

TOY = '''
"""A backend that holds one document and nothing else."""
from contextlib import asynccontextmanager
import msgspec
from backends.records import Document, Health, Page

class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str

class ToyDocuments:
    def __init__(self, title):
        self.document = Document(key="toy", title=title)
    async def get_many(self, scope, keys, fields):
        return [self.document if key == "toy" else None for key in keys]
    async def find(self, scope, where, order, page, fields):
        return Page([self.document], has_next=False, has_previous=False)
    async def count(self, scope, where):
        return 1

class ToyStore:
    Options = Options
    engine = "toy"
    def __init__(self, name, options):
        self.name = name
        self.documents = ToyDocuments(options.title)
    async def open(self): ...
    async def close(self): ...
    async def ping(self):
        return Health.UP
    @asynccontextmanager
    async def batch(self):
        yield
    async def counts(self, scope):
        return {"document": 1}
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that is installed as pip would install it: a module and its metadata."""
    (tmp_path / "toy_backend.py").write_text(TOY)
    info = tmp_path / "toy_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[memory_gateway.backends]\ntoy = toy_backend:ToyStore\nbroken = no_such_driver:Store\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("toy_backend", None)


@pytest.mark.usefixtures("toy")
async def test_a_backend_of_another_package_answers_queries(tmp_path: Path) -> None:
    toml = tmp_path / "gateway.toml"
    toml.write_text(
        f"""
        [stores.toy]
        kind = "toy"
        title = "Hello"
        [stores.rest]
        kind = "sql"
        url = "sqlite+aiosqlite:///{tmp_path}/rest.db"
        upgrade = true
        [roles]
        texts = "toy"
        graph = "rest"
        keywords = "rest"
        vectors = "rest"
        """
    )
    async with running(config=toml) as gateway:
        data = await gateway.data(
            "{ documents { totalCount nodes { title } } stores { name engine } }"
        )
        assert data["documents"] == {"totalCount": 1, "nodes": [{"title": "Hello"}]}
        assert {"name": "toy", "engine": "toy"} in data["stores"]
        answer = await gateway.answer("{ chunks { nodes { key } } entities { totalCount } }")
        assert answer["data"] == {"chunks": None, "entities": {"totalCount": 0}}
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "NOT_SUPPORTED", "store": "toy"}


def test_an_unknown_kind_names_those_that_are_installed() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown kind 'nope'; installed are .*sql"):
        registry.create("nope", "it", {})


def test_an_unknown_option_names_those_that_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match=r"speed.*takes url, path, password, read_url, pool_size"
    ):
        registry.create("sql", "it", {"url": "sqlite+aiosqlite:///x.db", "speed": 3})


@pytest.mark.usefixtures("toy")
def test_a_missing_driver_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"memory-gateway\[broken\]"):
        registry.create("broken", "it", {})
