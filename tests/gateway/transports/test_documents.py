"""Documents that are named: automatic persisted queries, trusted documents, and what of it a cache may keep."""

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.errors import ConfigurationError
from gateway.settings import load_settings
from gateway.transports.documents import read_manifest
from tests.support import Gateway, running

GRAPHQL = "application/graphql-response+json"
ASK = '{ entity(key: "e:24") { key } }'
ANSWER = {"data": {"entity": {"key": "e:24"}}}
UNKNOWN = "0" * 64


def hash_of(text: str) -> str:
    """As clients make it."""
    return hashlib.sha256(text.encode()).hexdigest()


def named(text: str, hash_: str | None = None, version: int = 1) -> dict[str, Any]:
    """The extensions that name a document."""
    return {"persistedQuery": {"version": version, "sha256Hash": hash_ or hash_of(text)}}


def code(response: httpx.Response) -> str:
    """The code of the one error."""
    (error,) = response.json()["errors"]
    return error["extensions"]["code"]


async def post(gateway: Gateway, body: Any, **headers: str) -> httpx.Response:
    """The response to a body."""
    return await gateway.client.post("/graphql", json=body, headers=headers)


async def test_a_document_is_sent_once_with_its_hash_and_named_by_it_from_then_on(
    odd: Gateway,
) -> None:
    ask = ASK + " # first"
    missing = await post(odd, {"extensions": named(ask)})
    assert missing.status_code == 200
    assert missing.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert code(missing) == "PERSISTED_QUERY_NOT_FOUND"
    assert (await post(odd, {"query": ask, "extensions": named(ask)})).json() == ANSWER
    assert (await post(odd, {"extensions": named(ask)})).json() == ANSWER
    assert (await post(odd, {"documentId": f"sha256:{hash_of(ask)}"})).json() == ANSWER
    params = {"extensions": json.dumps(named(ask))}
    assert (await odd.client.get("/graphql", params=params)).json() == ANSWER


async def test_what_is_missing_is_400_for_who_reads_graphql_responses(odd: Gateway) -> None:
    missing = await post(odd, {"extensions": named("", UNKNOWN)}, accept=GRAPHQL)
    assert missing.status_code == 400
    assert code(missing) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_hash_of_another_document_is_refused_and_kept_for_nobody(odd: Gateway) -> None:
    wrong = await post(odd, {"query": ASK, "extensions": named(ASK, UNKNOWN)})
    assert code(wrong) == "BAD_USER_INPUT"
    assert hash_of(ASK) in wrong.json()["errors"][0]["message"]
    assert code(await post(odd, {"extensions": named("", UNKNOWN)})) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_document_that_is_not_valid_is_not_kept(odd: Gateway) -> None:
    bad = "{ nothing }"
    sent = await post(odd, {"query": bad, "extensions": named(bad)})
    assert code(sent) == "GRAPHQL_VALIDATION_FAILED"
    assert code(await post(odd, {"extensions": named(bad)})) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"extensions": named("", UNKNOWN, version=2)}, "version 2"),
        ({"extensions": {}}, "no document"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "sha256Hash"),
        ({"extensions": {"persistedQuery": {"version": "1", "sha256Hash": UNKNOWN}}}, "version"),
        ({"documentId": 5}, "documentId"),
    ],
)
async def test_a_name_that_is_none_is_an_error_that_says_so(
    odd: Gateway, asked: dict[str, Any], names: str
) -> None:
    response = await post(odd, asked)
    assert code(response) == "BAD_USER_INPUT"
    assert names in response.json()["errors"][0]["message"]


async def test_persisted_queries_can_be_turned_off(tmp_path: Path) -> None:
    async with running(tmp_path / "m.db", documents={"automatic": False}) as gateway:
        response = await post(gateway, {"extensions": named(ASK)})
        assert code(response) == "PERSISTED_QUERY_NOT_SUPPORTED"
        assert response.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
        answer = (await post(gateway, {"query": ASK, "extensions": named(ASK)})).json()
        assert answer == {"data": {"entity": None}}


# Trusted documents

STORES = "query Stores { stores { name } }"
TRUSTED = {"abc": STORES}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """As graphql-codegen and relay-compiler write it."""
    file = tmp_path / "persisted-documents.json"
    file.write_text(json.dumps(TRUSTED))
    return file


async def test_a_trusted_document_is_named_by_its_id(tmp_path: Path, manifest: Path) -> None:
    async with running(tmp_path / "m.db", documents={"manifest": manifest}) as gateway:
        expected = {"data": {"stores": [{"name": "embedded"}]}}
        assert (await post(gateway, {"documentId": "abc"})).json() == expected
        got = await gateway.client.get("/graphql", params={"documentId": "abc"})
        assert got.json() == expected
        assert (await post(gateway, {"query": "{ stores { name } }"})).json() == expected


async def test_where_only_they_are_trusted_nothing_else_runs(
    tmp_path: Path, manifest: Path
) -> None:
    chosen = {"manifest": manifest, "only_trusted": True}
    async with running(tmp_path / "m.db", documents=chosen) as gateway:
        expected = {"data": {"stores": [{"name": "embedded"}]}}
        assert (await post(gateway, {"documentId": "abc"})).json() == expected
        assert (await post(gateway, {"query": STORES})).json() == expected
        for asked in (
            {"query": "{ stores { name } }"},
            {"query": ASK, "extensions": named(ASK)},
            {"query": ASK, "documentId": "abc"},
            {"extensions": named(ASK)},
            {"documentId": "abd"},
            {"query": "{ __typename }"},
        ):
            assert code(await post(gateway, asked)) == "DOCUMENT_NOT_TRUSTED"


def test_ids_that_say_how_they_were_made_are_the_hash(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"sha256:abc": STORES}))
    assert read_manifest(file) == TRUSTED


def test_apollo_s_manifest_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    operations = [{"id": "abc", "name": "Stores", "type": "query", "body": STORES}]
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    file.write_text(json.dumps(manifest))
    assert read_manifest(file) == TRUSTED


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"operations": 5}', '{"a": "\udcff"}'])
def test_a_manifest_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationError, match=r"documents\.manifest: .*manifest\.json"):
        read_manifest(file)


def test_to_trust_only_documents_without_any_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="only_trusted needs a manifest"):
        load_settings(database=tmp_path / "m.db", documents={"only_trusted": True})


# Caches


async def test_an_answer_by_get_may_be_asked_for_again_by_its_tag(odd: Gateway) -> None:
    first = await odd.client.get("/graphql", params={"query": ASK})
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Accept" in first.headers["vary"]
    tag = first.headers["etag"]
    again = await odd.client.get(
        "/graphql", params={"query": ASK}, headers={"if-none-match": f'"other", {tag}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    other = await odd.client.get(
        "/graphql",
        params={"query": '{ entity(key: "e:25") { key } }'},
        headers={"if-none-match": tag},
    )
    assert other.status_code == 200
    assert other.headers["etag"] != tag


async def test_how_long_it_is_good_for_can_be_set(tmp_path: Path) -> None:
    async with running(tmp_path / "m.db", http={"max_age": 60}) as gateway:
        response = await gateway.client.get("/graphql", params={"query": STORES})
        assert response.headers["cache-control"] == "private, max-age=60"


@pytest.mark.parametrize("query", ["{ nothing }", '{ node(id: "nonsense") { id } }'])
async def test_errors_are_for_no_cache(odd: Gateway, query: str) -> None:
    response = await odd.client.get("/graphql", params={"query": query})
    assert response.json()["errors"]
    assert response.headers.get("cache-control") == "no-store"
    assert "etag" not in response.headers


async def test_a_post_is_for_no_cache_anyway(odd: Gateway) -> None:
    assert "etag" not in (await post(odd, {"query": ASK})).headers
