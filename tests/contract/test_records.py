"""What the five roles that hold records have in common: records by key, whole or in part, and their writing."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.records import (
    UNLOADED,
    Chunk,
    Document,
    Entity,
    Episode,
    EpisodeKind,
    Fact,
    Fields,
    Outcome,
    Record,
    Scope,
)
from backends.roles import Documents, Store
from tests.contract import samples
from tests.contract.conftest import played
from tests.contract.samples import (
    ALL_TIME,
    EARLIEST,
    KEY_ONLY,
    LATEST,
    MICROSECOND,
    STRANGE,
    day,
    document,
    fields_of,
    loaded,
    modest,
    new_scope,
    numbered,
    shuffled,
    written,
)


class Holder(msgspec.Struct, frozen=True):
    """A role that holds records of one type, with a way to make them."""

    role: Any
    record: type[Record]
    make: Callable[..., Any]

    async def get(
        self, scope: Scope, keys: Sequence[str], fields: Fields | None = None
    ) -> list[Any]:
        """The records of these keys, whole unless fields are named."""
        chosen = fields_of(self.record) if fields is None else fields
        if self.record is Entity:
            return await self.role.get_many(scope, keys, ALL_TIME, chosen)
        return await self.role.get_many(scope, keys, chosen)

    async def put(self, scope: Scope, *records: Record) -> list[Outcome]:
        """Write records."""
        return await self.role.upsert_many(scope, records)


HELD: dict[str, tuple[type[Record], Callable[..., Any]]] = {
    "documents": (Document, samples.document),
    "chunks": (Chunk, samples.chunk),
    "entities": (Entity, samples.entity),
    "facts": (Fact, samples.fact),
    "episodes": (Episode, samples.episode),
}

WHOLE: dict[str, dict[str, Any]] = {
    "documents": {
        "title": "Título 😀",
        "uri": "file:///a b",
        "source": "",
        "media_type": "text/plain",
        "text": "line\nline\ttab " + "é" * 100_000,
        "metadata": {"a": {"b": [1, 2.5, None, True, "x"]}, "": {}, "é.b": "dot"},
        "created_at": day(0) + MICROSECOND,
        "updated_at": LATEST,
    },
    "chunks": {
        "document_key": "d/1",
        "position": 2**31 - 1,
        "text": "\u202e right to left\r\n",
        "token_count": 0,
        "metadata": {"n": -1},
    },
    "entities": {
        "name": "Ada 'Countess' Lovelace",
        "type": "Person",
        "labels": ("b", "a", "b"),
        "summary": "",
        "attributes": {"missing": False},
        "created_at": EARLIEST,
    },
    "facts": {
        "subject_key": "é",
        "predicate": "WORKS AT",
        "object_key": "e\u0301",
        "statement": "",
        "attributes": {"confidence": 0.1},
        "valid_from": EARLIEST,
        "valid_to": day(1),
        "recorded_at": day(2) - MICROSECOND,
        "retracted_at": LATEST,
        "episode_keys": ("e2", "e1"),
    },
    "episodes": {
        "name": "n",
        "kind": EpisodeKind.FACT_TRIPLE,
        "content": "{}",
        "source": "chat",
        "occurred_at": day(0.5),
        "recorded_at": day(1.5),
        "document_key": "d",
        "chunk_key": "c",
        "metadata": {"deep": {"er": {"still": []}}},
    },
}
"""A value for every attribute."""

ATTRIBUTES = [(role, name) for role, values in WHOLE.items() for name in values]


def hold(store: Store, role: str) -> Holder:
    record, make = HELD[role]
    return Holder(played(store, role), record, make)


@pytest.fixture(scope="session", params=HELD)
def holder(request: pytest.FixtureRequest, store: Store) -> Holder:
    """Each role that holds records."""
    return hold(store, request.param)


def keys_of(records: Sequence[Record | None]) -> list[str | None]:
    return [record and record.key for record in records]


async def test_records_come_in_the_order_of_the_keys(holder: Holder, scope: Scope) -> None:
    keys = numbered("k", 30)
    await holder.put(scope, *(holder.make(key) for key in shuffled(keys)))
    asked = shuffled([*keys, "gap", *keys[:5], "another gap", "gap"])
    wanted = [None if "gap" in key else key for key in asked]
    assert keys_of(await holder.get(scope, asked)) == wanted


async def test_no_keys_give_no_records(holder: Holder, scope: Scope) -> None:
    assert await holder.get(scope, []) == []
    assert await holder.put(scope) == []


async def test_ten_thousand_keys_are_one_call(holder: Holder, scope: Scope) -> None:
    keys = numbered("k", 10_000)
    await holder.put(scope, *(holder.make(key) for key in keys[::10]))
    found = await holder.get(scope, keys, KEY_ONLY)
    assert keys_of(found) == [None if number % 10 else key for number, key in enumerate(keys)]


async def test_any_key_round_trips(holder: Holder, scope: Scope) -> None:
    assert await holder.put(scope, *(holder.make(key) for key in STRANGE)) == [
        Outcome.LOADED for _ in STRANGE
    ]
    asked = shuffled(STRANGE)
    assert keys_of(await holder.get(scope, asked)) == asked


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("a", "A"),
        ("a", "a "),
        ("a", "\uff41"),
        ("caf\u00e9", "cafe\u0301"),
        ("ß", "ss"),
        ("1", "1.0"),
        ("a", ""),
        ("a", "a\0b"),
        ("a", "a\0"),
        ("%", "a"),
    ],
)
async def test_a_key_is_only_itself(holder: Holder, scope: Scope, there: str, asked: str) -> None:
    await holder.put(scope, holder.make(there))
    assert await holder.get(scope, [asked, there], KEY_ONLY) == [None, holder.record(key=there)]


@pytest.mark.parametrize("role", HELD)
async def test_whole_records_round_trip(store: Store, scope: Scope, role: str) -> None:
    holder = hold(store, role)
    records = [holder.make("whole", **WHOLE[role]), holder.make("bare")]
    await holder.put(scope, *records)
    found = await holder.get(scope, ["whole", "bare"])
    assert [loaded(each) for each in found] == [written(each) for each in records]


@pytest.mark.parametrize(("role", "attribute"), ATTRIBUTES)
async def test_attributes_not_asked_for_are_unloaded(
    store: Store, scope: Scope, role: str, attribute: str
) -> None:
    holder = hold(store, role)
    await holder.put(scope, holder.make("whole", **WHOLE[role]))
    (found,) = await holder.get(scope, ["whole"], frozenset({attribute}))
    (bare,) = await holder.get(scope, ["whole"], KEY_ONLY)
    assert bare == holder.record(key="whole")
    others = fields_of(holder.record) - {attribute}
    assert {name for name in others if getattr(found, name) is not UNLOADED} == set()
    if attribute == "episode_keys":  # written with a fact, loaded by no reading port
        assert found.episode_keys is UNLOADED
    else:
        assert loaded(found) == {
            "key": "whole",
            attribute: written(holder.make("whole", **WHOLE[role]))[attribute],
        }


async def test_asking_for_the_key_is_asking_for_nothing_more(holder: Holder, scope: Scope) -> None:
    await holder.put(scope, holder.make("a"))
    assert await holder.get(scope, ["a"], frozenset({"key"})) == [holder.record(key="a")]


async def test_tenants_are_never_mixed(holder: Holder) -> None:
    ours = new_scope()
    theirs = [Scope(ours.tenant.upper()), Scope(f"{ours.tenant} "), Scope(f"{ours.tenant}'%")]
    await holder.put(ours, holder.make("shared"), holder.make("ours"))
    for scope in theirs:
        assert await holder.get(scope, ["shared", "ours"]) == [None, None]
        assert await holder.put(scope, holder.make("shared")) == [Outcome.LOADED]
        assert keys_of(await holder.get(scope, ["ours", "shared"])) == [None, "shared"]


@pytest.mark.parametrize("role", HELD)
async def test_a_write_reaches_one_tenant(store: Store, role: str) -> None:
    holder, ours, theirs = hold(store, role), new_scope(), new_scope()
    for scope in (ours, theirs):
        await holder.put(scope, holder.make("a"))
    assert await holder.put(ours, holder.make("a", **WHOLE[role])) == [Outcome.UPDATED]
    assert [loaded(each) for each in await holder.get(theirs, ["a"])] == [written(holder.make("a"))]


async def test_outcomes_say_loaded_updated_unchanged(holder: Holder, scope: Scope) -> None:
    a, b = holder.make("a"), holder.make("b")
    changed = msgspec.structs.replace(a, **_another(holder))
    assert await holder.put(scope, a, b) == [Outcome.LOADED, Outcome.LOADED]
    assert await holder.put(scope, b, a) == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert await holder.put(scope, holder.make("c"), b, changed) == [
        Outcome.LOADED,
        Outcome.UNCHANGED,
        Outcome.UPDATED,
    ]
    assert await holder.put(scope, changed) == [Outcome.UNCHANGED]


async def test_the_last_of_a_key_wins(holder: Holder, scope: Scope) -> None:
    first = holder.make("a")
    second = msgspec.structs.replace(first, **_another(holder))
    assert await holder.put(scope, first, second) == [Outcome.LOADED, Outcome.UPDATED]
    assert [loaded(each) for each in await holder.get(scope, ["a"])] == [written(second)]
    assert (await holder.put(scope, first, second))[0] is Outcome.UPDATED
    assert [loaded(each) for each in await holder.get(scope, ["a"])] == [written(second)]
    assert await holder.put(scope, second, second) == [Outcome.UNCHANGED, Outcome.UNCHANGED]


def _another(holder: Holder) -> dict[str, Any]:
    """A change that any record of the type can have."""
    name = "metadata" if "metadata" in fields_of(holder.record) else "attributes"
    return {name: {"changed": True}}


@pytest.mark.parametrize(("role", "attribute"), ATTRIBUTES)
async def test_a_change_of_any_attribute_is_an_update(
    store: Store, scope: Scope, role: str, attribute: str
) -> None:
    holder = hold(store, role)
    bare = holder.make("a")
    value = WHOLE[role][attribute]
    changed = msgspec.structs.replace(bare, **{attribute: value})
    await holder.put(scope, bare)
    for record in (changed, bare):
        assert await holder.put(scope, record) == [Outcome.UPDATED]
        assert [loaded(each) for each in await holder.get(scope, ["a"])] == [written(record)]


@pytest.mark.parametrize(
    ("before", "after"),
    [({"a": 1}, {"a": True}), ({"a": 0}, {"a": False}), ({"a": "1"}, {"a": 1}), ({"a": None}, {})],
    ids=str,
)
async def test_json_values_that_python_takes_for_equal_are_told_apart(
    documents: Documents, scope: Scope, before: dict[str, Any], after: dict[str, Any]
) -> None:
    await documents.upsert_many(scope, [document("a", metadata=before)])
    outcome = await documents.upsert_many(scope, [document("a", metadata=after)])
    assert outcome == [Outcome.UPDATED]
    (found,) = await documents.get_many(scope, ["a"], frozenset({"metadata"}))
    assert found is not None
    assert json.dumps(found.metadata) == json.dumps(after)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, -(2**63), 2**64, -(2**70), 1e300, 5e-324])
async def test_numbers_of_any_size_round_trip(
    documents: Documents, scope: Scope, number: float
) -> None:
    """JSON sets no bounds, and a line of a load holds what it holds."""
    await documents.upsert_many(scope, [document("a", metadata={"n": number})])
    (found,) = await documents.get_many(scope, ["a"], frozenset({"metadata"}))
    assert found is not None
    assert found.metadata == {"n": number}


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@modest
@given(metadata=st.dictionaries(text, json_values, max_size=4), title=st.none() | text, body=text)
async def test_any_text_and_json_round_trip(
    documents: Documents, metadata: dict[str, Any], title: str | None, body: str
) -> None:
    scope = new_scope()
    record = document("a", metadata=metadata, title=title, text=body)
    await documents.upsert_many(scope, [record])
    found = await documents.get_many(scope, ["a"], fields_of(Document))
    assert [loaded(each) for each in found] == [written(record)]
    assert await documents.upsert_many(scope, [record]) == [Outcome.UNCHANGED]
