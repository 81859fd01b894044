"""GraphQL over HTTP: methods, bodies, media types and status codes, and what stands beside the API."""

import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backends.errors import ConfigurationError, StoreUnavailable
from gateway.app import create_app
from gateway.execution.document_cache import DocumentCache
from gateway.explorer import examples
from gateway.settings import load_settings
from loaders.base import Loader
from tests.support import ROOT, Gateway, running

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ASK = '{ entity(key: "e:24") { key } }'
ANSWER = {"data": {"entity": {"key": "e:24"}}}
BY_KEY = "query ByKey($key: String!) { entity(key: $key) { key } }"
TWO = f"{BY_KEY} query Names {{ stores {{ name }} }}"
NESTED = 10_000


async def post(gateway: Gateway, body: Any, **headers: str) -> httpx.Response:
    """The response to a body, sent as JSON unless the headers say otherwise."""
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    sent = {"content-type": JSON} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await gateway.client.post("/graphql", content=content, headers=sent)


def error_of(response: httpx.Response) -> tuple[str, str]:
    """The code and the message of the one error of an answer that has no data."""
    assert response.headers["content-type"].split(";")[0] in (JSON, GRAPHQL)
    answer = response.json()
    assert set(answer) == {"errors"}
    (error,) = answer["errors"]
    return error["extensions"]["code"], error["message"]


# Requests that are answered


async def test_post_and_get_give_the_same_answer(odd: Gateway) -> None:
    posted = await post(odd, {"query": ASK})
    got = await odd.client.get("/graphql", params={"query": ASK})
    assert posted.status_code == got.status_code == 200
    assert posted.json() == got.json() == ANSWER
    assert posted.headers["content-type"].split(";")[0] == JSON


async def test_variables_and_operation_name_are_read_from_body_and_query_string(
    odd: Gateway,
) -> None:
    variables = {"key": "e:24"}
    asked = {"query": TWO, "operationName": "ByKey", "variables": variables, "extensions": {"a": 1}}
    assert (await post(odd, asked)).json() == ANSWER
    encoded = asked | {"variables": json.dumps(variables), "extensions": '{"a": 1}'}
    assert (await odd.client.get("/graphql", params=encoded)).json() == ANSWER


async def test_absent_null_and_empty_variables_are_the_same(odd: Gateway) -> None:
    for more in ({}, {"variables": None}, {"variables": {}}, {"operationName": None, "x": 1}):
        assert (await post(odd, {"query": ASK} | more)).json() == ANSWER
    for variables in ("", "null", "{}"):
        params = {"query": ASK, "variables": variables, "operationName": ""}
        assert (await odd.client.get("/graphql", params=params)).json() == ANSWER


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;charset=UTF-8"],
)
async def test_json_in_any_spelling_is_read(odd: Gateway, content_type: str) -> None:
    assert (await post(odd, {"query": ASK}, content_type=content_type)).json() == ANSWER


async def test_any_character_goes_in_and_comes_out(odd: Gateway) -> None:
    for key in ("e:鍵", "e:🔑", "e:quote\"'", "e:new\nline", "e:back\\slash"):
        body = {"query": BY_KEY, "variables": {"key": key}}
        for content in (json.dumps(body), json.dumps(body, ensure_ascii=False).encode()):
            assert (await post(odd, content)).json() == {"data": {"entity": {"key": key}}}


# Which operation


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (TWO, None),
        (TWO, "Nobody"),
        (TWO, "bykey"),
        (ASK, "Nobody"),
        ("fragment A on Query { stores { name } }", None),
    ],
)
async def test_an_operation_that_is_not_clearly_named_is_an_error(
    odd: Gateway, query: str, name: str | None
) -> None:
    variables = {"key": "e:24"}
    asked = {"query": query, "operationName": name, "variables": variables}
    for accept, status in ((JSON, 200), (GRAPHQL, 400)):
        response = await post(odd, asked, accept=accept)
        assert response.status_code == status
        code, message = error_of(response)
        if "fragment" in query:
            assert code in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
        else:
            assert code == "BAD_USER_INPUT"
            assert (name or "operationName") in message


# Bodies that are none


BAD_BODIES = {
    "empty": b"",
    "blank": b"  \n",
    "a number": b"1",
    "a string": b'"x"',
    "null": b"null",
    "true": b"true",
    "a list": b"[]",
    "a batch": json.dumps([{"query": ASK}]).encode(),
    "an empty object": b"{}",
    "no query": b'{"variables": {}}',
    "a query that is null": b'{"query": null}',
    "a query that is a number": b'{"query": 5}',
    "variables that are a list": b'{"query": "{ stores { name } }", "variables": []}',
    "variables that are text": b'{"query": "{ stores { name } }", "variables": "{}"}',
    "a name that is a number": b'{"query": "{ stores { name } }", "operationName": 5}',
    "extensions that are a list": b'{"query": "{ stores { name } }", "extensions": []}',
    "half JSON": b'{"query": "{ stores',
    "JSON and more": b'{"query": "{ stores { name } }"} x',
    "single quotes": b"{'query': '{ stores { name } }'}",
    "Latin-1": '{"query": "{ entity(key: \\"é\\") { key } }"}'.encode("latin-1"),
    "UTF-16": json.dumps({"query": ASK}).encode("utf-16"),
    "not UTF-8": b"\xff\xfe\xfd",
    "a lone surrogate": b'{"query": "\\ud800"}',
    "NaN": b'{"query": "{ stores { name } }", "variables": {"a": NaN}}',
    "a number too large": b'{"query": "{ stores { name } }", "variables": {"a": 1e999}}',
    "nested deep": b"[" * NESTED + b"]" * NESTED,
    "nested deep inside": b'{"query": "{ stores { name } }", "variables": {"a": '
    + b'{"a":' * NESTED
    + b"1"
    + b"}" * NESTED
    + b"}}",
    "nested and cut": b"[" * NESTED,
    "a form": b"query=%7B+stores+%7B+name+%7D+%7D",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_body_that_is_no_graphql_request_is_400(odd: Gateway, body: bytes) -> None:
    for accept in (JSON, GRAPHQL):
        response = await post(odd, body, accept=accept)
        assert response.status_code == 400
        assert response.headers["content-type"].split(";")[0] == accept
        code, message = error_of(response)
        assert code == "BAD_USER_INPUT"
        assert message.startswith(("the body", "the variables", "there is no document"))


async def test_a_body_larger_than_the_limit_is_413_however_it_is_sent(odd: Gateway) -> None:
    room = 1024 * 1024 - len(json.dumps({"query": ASK}))
    fits = json.dumps({"query": ASK + " " * room})
    assert len(fits) == 1024 * 1024
    assert (await post(odd, fits)).json() == ANSWER

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 400_000

    for content in (fits + " ", pieces()):
        response = await odd.client.post(
            "/graphql", content=content, headers={"content-type": JSON}
        )
        assert response.status_code == 413
        message = "the body is larger than 1,048,576 bytes (limits.body_bytes)"
        assert error_of(response) == ("LIMIT_EXCEEDED", message)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/jsonx", "application/graphql", "application/graphql+json",
     "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "nonsense", "json"],
)  # fmt: skip
async def test_another_content_type_is_415(odd: Gateway, content_type: str) -> None:
    response = await post(odd, {"query": ASK}, content_type=content_type)
    assert response.status_code == 415
    code, message = error_of(response)
    assert code == "BAD_USER_INPUT"
    assert repr(content_type) in message
    assert JSON in message


# Query strings that are none


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"variables": "{}"}, "query"),
        ({"x": "1"}, "query"),
        ({"query": ASK, "variables": "5"}, "variables"),
        ({"query": ASK, "variables": "[]"}, "variables"),
        ({"query": ASK, "variables": "{"}, "variables"),
        ({"query": ASK, "variables": '{"a": "\\ud800"}'}, "variables"),
        ({"query": ASK, "variables": "[" * NESTED}, "variables"),
        ({"query": ASK, "extensions": "nonsense"}, "extensions"),
    ],
)
async def test_a_query_string_that_is_no_graphql_request_is_400(
    odd: Gateway, params: dict[str, str], names: str
) -> None:
    response = await odd.client.get("/graphql", params=params)
    assert response.status_code == 400
    code, message = error_of(response)
    assert code == "BAD_USER_INPUT"
    assert f" {names}" in message.replace("parameter ", "")


async def test_a_query_string_that_is_not_utf_8_reaches_no_one(odd: Gateway) -> None:
    response = await odd.client.get('/graphql?query={entity(key:"%ff%fe"){key}}&variables=%ff')
    assert response.status_code == 400
    assert "the variables" in error_of(response)[1]
    response = await odd.client.get('/graphql?query={entity(key:"%ff%fe"){key}}')
    assert response.json() == {"data": {"entity": None}}


# Methods and paths


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"])
async def test_another_method_is_405_and_told_which_are_allowed(odd: Gateway, method: str) -> None:
    response = await odd.client.request(method, "/graphql", json={"query": ASK})
    assert response.status_code == 405
    allowed = {each.strip() for each in response.headers["allow"].split(",")}
    assert allowed == {"GET", "POST"}
    if method != "HEAD":
        code, message = error_of(response)
        assert code == "BAD_USER_INPUT"
        assert method in message


@pytest.mark.parametrize("path", ["/schema.graphql", "/healthz", "/readyz"])
async def test_what_is_only_read_refuses_to_be_posted_to(odd: Gateway, path: str) -> None:
    response = await odd.client.post(path)
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]
    assert path in error_of(response)[1]


@pytest.mark.parametrize("path", ["/nothing", "/graphql/x", "/../etc/passwd", "/%00", "/é"])
async def test_an_unknown_path_is_404_in_json(odd: Gateway, path: str) -> None:
    response = await odd.client.get(path, headers={"accept": BROWSER})
    assert response.status_code == 404
    assert error_of(response)[0] == "BAD_USER_INPUT"


# Media types of answers


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("APPLICATION/JSON", JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};charset=utf-8, {JSON}", GRAPHQL),
        (f"text/html, {GRAPHQL}", GRAPHQL),
        (f"text/event-stream, {JSON}", JSON),
    ],
)
async def test_the_answer_is_of_a_type_that_the_client_accepts(
    odd: Gateway, accept: str | None, given: str
) -> None:
    headers = {"content-type": JSON} | ({} if accept is None else {"accept": accept})
    request = odd.client.build_request("POST", "/graphql", json={"query": ASK}, headers=headers)
    if accept is None:
        del request.headers["accept"]
    response = await odd.client.send(request)
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == given
    assert response.json() == ANSWER


@pytest.mark.parametrize(
    "accept", ["text/html", "text/*", "application/xml", "nonsense", "image/png"]
)
async def test_an_accept_that_cannot_be_met_is_406(odd: Gateway, accept: str) -> None:
    response = await post(odd, {"query": ASK}, accept=accept)
    assert response.status_code == 406
    code, message = error_of(response)
    assert code == "BAD_USER_INPUT"
    assert repr(accept) in message
    assert GRAPHQL in message


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ ...A } fragment A on Query { ...A }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": BY_KEY}, "BAD_USER_INPUT"),
        ({"query": BY_KEY, "variables": {"key": 5}}, "BAD_USER_INPUT"),
        ({"query": TWO}, "BAD_USER_INPUT"),
    ],
)
async def test_a_request_error_is_400_without_data_or_200_for_plain_json(
    odd: Gateway, asked: dict[str, Any], code: str
) -> None:
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        for response in (
            await post(odd, asked, accept=accept),
            await odd.client.get(
                "/graphql",
                params={name: each if isinstance(each, str) else json.dumps(each)
                        for name, each in asked.items()},
                headers={"accept": accept},
            ),
        ):  # fmt: skip
            assert response.status_code == status
            assert error_of(response)[0] == code


async def test_an_error_of_a_field_is_200_with_the_rest_of_the_data(odd: Gateway) -> None:
    query = '{ node(id: "nonsense") { id } entity(key: "e:24") { key } }'
    for accept in (GRAPHQL, JSON):
        response = await post(odd, {"query": query}, accept=accept)
        assert response.status_code == 200
        answer = response.json()
        assert answer["data"] == {"node": None, "entity": {"key": "e:24"}}
        assert [error["path"] for error in answer["errors"]] == [["node"]]


# Documents too large


@pytest.mark.parametrize(
    "query",
    [
        "{ " + "a: __typename " * 10_000 + "}",
        "{ stores { name } }" + " query Q { stores { name } }" * 3_000,
        "{" * 20_000,
        "[" * 20_000,
        "{ nodes(ids: [" + '"x" ' * 10_001 + "]) { id } }",
    ],
)
async def test_a_document_of_too_many_tokens_is_refused(odd: Gateway, query: str) -> None:
    response = await post(odd, {"query": query}, accept=GRAPHQL)
    assert response.status_code == 400
    code, _ = error_of(response)
    if query[:3] in ("{{{", "[[["):
        assert code in ("LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED")
    else:
        assert code == "LIMIT_EXCEEDED"


async def test_the_limit_of_tokens_is_named_with_what_to_do(odd: Gateway) -> None:
    response = await post(odd, {"query": "{ " + "a: __typename " * 10_000 + "}"})
    assert response.status_code == 200
    code, message = error_of(response)
    assert code == "LIMIT_EXCEEDED"
    assert "10,000" in message
    assert "split" in message


@pytest.mark.parametrize("depth", [100, 300, 1_000, 3_000, NESTED])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("{ stores ", "}"),
        ("{ ... on Query ", "}"),
        ('{ entity(key: "e:24") { facts(first: 1) { nodes { subject ', "} } }"),
        ("{ a(b: " + "[" * 5, "]" * 5 + ")}"),
    ],
    ids=["fields", "fragments", "facts", "lists"],
)
async def test_a_query_nested_deep_is_refused_or_answered(
    odd: Gateway, depth: int, opening: str, closing: str
) -> None:
    query = opening * depth + "{ __typename }" + closing * depth
    response = await post(odd, {"query": query})
    assert response.status_code == 200
    codes = {error["extensions"]["code"] for error in response.json().get("errors", [])}
    assert codes <= {"LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}


async def test_a_deep_query_that_is_valid_is_answered_to_any_depth_that_parses(
    odd: Gateway,
) -> None:
    depths = (5, 20, 40, 60, 66, 80)
    for depth in depths:
        facts = "facts(first: 1) { nodes { subject { "
        query = f'{{ entity(key: "e:24") {{ {facts * depth} key {"} } }" * depth} }} }}'
        answer = (await post(odd, {"query": query})).json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
        assert codes <= {"LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED"}, depth


# What stands beside the API


async def test_the_schema_is_served_as_it_is_carried(odd: Gateway) -> None:
    response = await odd.client.get("/schema.graphql")
    assert response.status_code == 200
    assert response.content == (ROOT / "schema.graphql").read_bytes()
    assert response.headers["content-type"] == "application/graphql; charset=utf-8"


async def test_health_is_ok_and_readiness_goes_role_by_role(odd: Gateway) -> None:
    assert (await odd.client.get("/healthz")).json() == {"status": "ok"}
    response = await odd.client.get("/readyz")
    assert response.status_code == 200
    answer = response.json()
    assert answer["ready"] is True
    assert set(answer["roles"]) == {"texts", "graph", "keywords", "vectors"}
    for role in answer["roles"].values():
        assert (role["store"], role["status"], role["message"]) == ("embedded", "UP", None)
        assert role["latencyMs"] >= 0


async def test_a_store_that_is_down_makes_its_roles_not_ready_and_leaves_health_ok(
    odd: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_: object) -> None:
        raise StoreUnavailable("embedded", "store embedded: gone")

    monkeypatch.setattr("backends.sql.store.SqlStore.ping", down)
    response = await odd.client.get("/readyz")
    assert response.status_code == 503
    answer = response.json()
    assert answer["ready"] is False
    assert {role["status"] for role in answer["roles"].values()} == {"DOWN"}
    assert {role["message"] for role in answer["roles"].values()} == {"store embedded: gone"}
    assert (await odd.client.get("/healthz")).status_code == 200


async def test_browsers_get_the_page_with_every_example(odd: Gateway) -> None:
    response = await odd.client.get("/graphql", headers={"accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["content-type"].split(";")[0] == "text/html"
    found = re.search('<script id="examples" type="application/json">(.*?)</script>', response.text)
    assert found is not None
    tabs = json.loads(found[1])
    assert tabs == examples()
    assert len(tabs) >= 5
    assert all(tab["title"] and tab["query"].strip() for tab in tabs)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["title"])
async def test_an_example_fits_any_memory(
    odd: Gateway, demo: Gateway, example: dict[str, str], tmp_path: Path
) -> None:
    query = example["query"]
    async with running(tmp_path / "empty.db") as empty:
        for gateway in (odd, demo, empty):
            if "subscription" in query:
                response = await gateway.client.post("/graphql", json={"query": query})
                assert response.status_code == 406  # it is valid, and wants a stream
            else:
                await gateway.data(query)


async def test_tabs_of_ones_own_are_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b.graphql").write_text("# Second: more\n{ stores { name } }")
    (tmp_path / "a.graphql").write_text("# First\n{ __typename }")
    async with running(tmp_path / "m.db", explorer={"examples": tmp_path}) as gateway:
        page = (await gateway.client.get("/graphql", headers={"accept": BROWSER})).text
    assert [each["title"] for each in examples(tmp_path)] == ["First", "Second"]
    assert "# First" in page
    assert "# Second" in page


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_folder_without_tabs_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.graphql").write_bytes(content)
    settings = load_settings(database=tmp_path / "m.db", explorer={"examples": tmp_path})
    with pytest.raises(ConfigurationError, match=r"explorer\.examples"):
        create_app(settings)


async def test_the_root_leads_to_the_page(odd: Gateway) -> None:
    response = await odd.client.get("/", headers={"accept": BROWSER})
    assert response.is_redirect
    assert response.headers["location"].endswith("/graphql")


async def test_a_browser_that_asks_a_query_gets_its_answer(odd: Gateway) -> None:
    response = await odd.client.get("/graphql", params={"query": ASK}, headers={"accept": BROWSER})
    assert response.json() == ANSWER


# What must not leak


SECRET = "a secret of the insides"


async def test_an_unexpected_error_of_a_field_is_masked_under_a_correlation_id(
    odd: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(Loader, "load_all", fail)
    query = '{ entity(key: "e:24") { key } stores { name } }'
    for accept in (JSON, GRAPHQL):
        caplog.clear()
        response = await post(odd, {"query": query}, accept=accept)
        assert response.status_code == 200
        assert SECRET not in response.text
        answer = response.json()
        assert answer["data"] == {"entity": None, "stores": [{"name": "embedded"}]}
        (error,) = answer["errors"]
        assert error["path"] == ["entity"]
        assert error["extensions"]["code"] == "INTERNAL"
        correlation = error["extensions"]["correlationId"]
        assert correlation in error["message"]
        logged = [record for record in caplog.records if correlation in record.getMessage()]
        assert [record.levelno for record in logged] == [logging.ERROR]
        assert SECRET in caplog.text
        assert "Traceback" in caplog.text


async def test_an_unexpected_error_outside_any_field_is_500_in_json_and_masked(
    odd: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(DocumentCache, "prepare", fail)
    response = await post(odd, {"query": ASK})
    assert response.status_code == 500
    assert SECRET not in response.text
    code, _ = error_of(response)
    assert code == "INTERNAL"
    assert SECRET in caplog.text


async def test_a_store_that_fails_is_named_and_keeps_its_code(
    odd: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("embedded", "store embedded: gone")

    monkeypatch.setattr(Loader, "load_all", fail)
    answer = await odd.answer(ASK)
    (error,) = answer["errors"]
    assert answer["data"] == {"entity": None}
    assert error["extensions"] == {"code": "STORE_UNAVAILABLE", "store": "embedded"}
    assert error["message"] == "store embedded: gone"


async def test_a_closed_store_costs_fields_and_not_the_process(tmp_path: Path) -> None:
    """An application whose lifespan has not begun: its store is closed."""
    app = create_app(load_settings(database=tmp_path / "memory.db"))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://memory") as client:
        response = await client.post("/graphql", json={"query": ASK})
        assert response.status_code == 200
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "STORE_UNAVAILABLE", "store": "embedded"}
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


# Compression, and pages of other origins


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("br", None), ("", None)])
async def test_a_long_answer_is_compressed_where_the_client_takes_it(
    odd: Gateway, accepted: str, encoding: str | None
) -> None:
    asked = {"query": "{ entities(first: 60) { nodes { id key name } } }"}
    plain = await post(odd, asked, accept_encoding="identity")
    response = await post(odd, asked, accept_encoding=accepted)
    assert response.headers.get("content-encoding") == encoding
    assert response.json() == plain.json()
    assert len(plain.content) > 1024
    assert (int(response.headers["content-length"]) < len(plain.content)) is (encoding == "gzip")
    assert "accept-encoding" in response.headers["vary"].lower()


async def test_a_short_answer_is_not_compressed(odd: Gateway) -> None:
    assert "content-encoding" not in (await post(odd, {"query": ASK})).headers


async def test_compression_can_be_left_to_a_proxy(tmp_path: Path) -> None:
    async with running(tmp_path / "memory.db", http={"compression": "none"}) as gateway:
        response = await post(gateway, {"query": "{ __schema { types { name } } }"})
        assert len(response.content) > 1024
        assert "content-encoding" not in response.headers


def preflight(origin: str) -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,authorization",
    }


async def test_pages_of_the_origins_that_are_named_may_ask_and_no_others(tmp_path: Path) -> None:
    ours, another = "https://app.example.org", "https://evil.example.org"
    async with running(tmp_path / "memory.db", http={"cors_origins": [ours]}) as gateway:
        allowed = await gateway.client.options("/graphql", headers=preflight(ours))
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == ours
        assert "authorization" in allowed.headers["access-control-allow-headers"]
        refused = await gateway.client.options("/graphql", headers=preflight(another))
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
        for body in ({"query": ASK}, b"1"):  # errors too: a page is to read them
            answer = await post(gateway, body, origin=ours)
            assert answer.headers["access-control-allow-origin"] == ours
            assert "access-control-allow-credentials" not in answer.headers
        answer = await post(gateway, {"query": ASK}, origin=another)
        assert "access-control-allow-origin" not in answer.headers


async def test_pages_of_other_origins_may_read_that_something_unexpected_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "https://app.example.org"
    monkeypatch.setattr(DocumentCache, "prepare", lambda *_: 1 / 0)
    async with running(tmp_path / "memory.db", http={"cors_origins": [ours]}) as gateway:
        response = await post(gateway, {"query": ASK}, accept=GRAPHQL, origin=ours)
    assert response.status_code == 500
    assert response.headers["content-type"].startswith(GRAPHQL)
    assert response.headers["access-control-allow-origin"] == ours
    assert error_of(response)[0] == "INTERNAL"


async def test_unless_set_no_page_of_another_origin_may_ask(odd: Gateway) -> None:
    refused = await odd.client.options("/graphql", headers=preflight("https://app.example.org"))
    assert refused.status_code == 405
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    "origin", ["app.example.org", "https://app.example.org/", "https://*.org", ""]
)
def test_what_is_no_origin_is_refused(tmp_path: Path, origin: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'stores.main = {{ kind = "sql", path = "m.db" }}\nhttp.cors_origins = ["{origin}"]'
    )
    with pytest.raises(ConfigurationError, match=r"http.cors_origins.0"):
        load_settings(config=file)
