"""@defer and @stream: parts for who reads them, the plain answer for everybody else, errors masked in each."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, print_ast

from backends.federation import Federation
from gateway.incremental import DIRECTIVES, without
from tests.support import Gateway, running

CURRENT = "multipart/mixed;incrementalSpec=v0.2, application/json"
OLDER = (
    "multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json;q=0.9"
)
JSON = "application/json"
DEFERRED = """query ($wait: Boolean = true) {
    entity(key: "e:24") { key ... @defer(if: $wait, label: "rest") { facts(first: 2) { nodes { key } } } }
}"""
STREAMED = "{ documents(first: 3) { nodes @stream(initialCount: 1) { key } } }"


async def asked(
    gateway: Gateway, query: str, accept: str, **variables: Any
) -> tuple[str, list[dict[str, Any]]]:
    """The content type, and the frames; the answer alone, if it is not in parts."""
    response = await gateway.client.post(
        "/graphql", json={"query": query, "variables": variables}, headers={"accept": accept}
    )
    assert response.status_code == 200
    kind = response.headers["content-type"]
    if not kind.startswith("multipart/mixed"):
        return kind, [response.json()]
    first, *parts, end = response.text.split("--graphql")
    assert (first, end) == ("", "--\r\n")
    return kind, [json.loads(part.partition("\r\n\r\n")[2]) for part in parts]


async def whole(gateway: Gateway, query: str) -> Any:
    """The data of the plain answer."""
    _, [answer] = await asked(gateway, query, JSON)
    assert list(answer) == ["data"]
    return answer["data"]


async def test_what_is_deferred_comes_later_and_says_where_it_belongs(odd: Gateway) -> None:
    plain = await whole(odd, DEFERRED)
    kind, [first, *others] = await asked(odd, DEFERRED, CURRENT)
    assert kind == 'multipart/mixed;boundary="graphql";incrementalSpec=v0.2'
    assert first == {
        "data": {"entity": {"key": "e:24"}},
        "pending": [{"id": "0", "path": ["entity"], "label": "rest"}],
        "hasNext": True,
    }
    assert [frame["hasNext"] for frame in others][-1] is False
    (part,) = [part for frame in others for part in frame.get("incremental", [])]
    assert part == {"id": "0", "data": {"facts": plain["entity"]["facts"]}}
    assert [each for frame in others for each in frame.get("completed", [])] == [{"id": "0"}]


async def test_the_older_format_says_the_same_by_paths(odd: Gateway) -> None:
    plain = await whole(odd, DEFERRED)
    kind, [first, *others] = await asked(odd, DEFERRED, OLDER)
    assert kind == 'multipart/mixed;boundary="graphql";deferSpec=20220824'
    assert first == {"data": {"entity": {"key": "e:24"}}, "hasNext": True}
    assert [part for frame in others for part in frame.get("incremental", [])] == [
        {"data": {"facts": plain["entity"]["facts"]}, "path": ["entity"], "label": "rest"}
    ]
    assert all("completed" not in frame and "pending" not in frame for frame in others)


async def test_items_of_a_stream_come_later(odd: Gateway) -> None:
    plain = await whole(odd, STREAMED)
    _, [first, *others] = await asked(odd, STREAMED, CURRENT)
    nodes = first["data"]["documents"]["nodes"]
    assert len(nodes) == 1
    for frame in others:
        for part in frame.get("incremental", []):
            nodes += part["items"]
    assert first["data"] == plain


async def test_who_reads_only_deferred_parts_has_lists_at_once(odd: Gateway) -> None:
    _, [answer] = await asked(odd, STREAMED, OLDER)
    assert answer == {"data": await whole(odd, STREAMED)}


@pytest.mark.parametrize(
    "accept",
    [JSON, "*/*", "application/graphql-response+json", f"multipart/mixed;subscriptionSpec=1.0,{JSON}",
     f"multipart/mixed;deferSpec=2030,{JSON}"],
)  # fmt: skip
@pytest.mark.parametrize("query", [DEFERRED, STREAMED])
async def test_everybody_else_has_the_plain_answer(odd: Gateway, query: str, accept: str) -> None:
    kind, [answer] = await asked(odd, query, accept)
    assert kind.startswith("application/")
    bare = print_ast(without(parse(query), DIRECTIVES))
    assert "@" not in bare
    assert answer == {"data": await whole(odd, bare.replace("($wait: Boolean = true)", ""))}


async def test_nothing_deferred_is_one_part(odd: Gateway) -> None:
    _, frames = await asked(odd, DEFERRED, CURRENT, wait=False)
    assert frames == [{"data": await whole(odd, DEFERRED)}]


async def test_a_query_without_the_directives_is_one_answer_whatever_is_read(odd: Gateway) -> None:
    kind, _ = await asked(odd, "{ stores { name } }", CURRENT)
    assert kind == JSON


@pytest.mark.parametrize("accept", [CURRENT, OLDER])
async def test_an_error_of_a_part_has_its_code_and_path(odd: Gateway, accept: str) -> None:
    query = '{ stores { name } ... @defer { node(id: "nonsense") { id } } }'
    _, [_, *others] = await asked(odd, query, accept)
    (part,) = [part for frame in others for part in frame.get("incremental", [])]
    assert part["data"] == {"node": None}
    (error,) = part["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["node"], "BAD_USER_INPUT")


@pytest.mark.parametrize("accept", [CURRENT, OLDER, JSON])
async def test_an_unexpected_error_is_masked_in_every_part(
    odd: Gateway, accept: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(Federation, "health", fail)
    query = "{ __typename ... @defer { stores { name } } }"
    _, frames = await asked(odd, query, accept)
    said = json.dumps(frames)
    assert "hunter2" not in said
    assert '"code": "INTERNAL"' in said
    assert "hunter2" in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "{ stores @defer { name } }",
        "{ stores { name @stream } }",
        '{ entity(key: "a") { ...A @defer(label: 5) } } fragment A on Entity { key }',
    ],
)
async def test_a_directive_where_it_cannot_be_is_refused(odd: Gateway, query: str) -> None:
    _, [answer] = await asked(odd, query, CURRENT)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {
        "GRAPHQL_VALIDATION_FAILED"
    }


async def test_parts_have_no_more_time_than_a_whole(tmp_path: Path) -> None:
    async with running(tmp_path / "m.db", limits={"seconds": 0.000_001}) as gateway:
        _, frames = await asked(gateway, "{ __typename ... @defer { stores { name } } }", CURRENT)
        assert "LIMIT_EXCEEDED" in json.dumps(frames[-1])
