"""gql, the client of Python: it reads the schema, asks with variables, and tells errors with their codes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import GraphQLError

WHOLE = "query Whole($key: String!) { entity(key: $key) { key name } }"
PARTLY = 'query Partly($key: String!) { entity(key: $key) { name } node(id: "nonsense") { id } }'
WRONG = "query Wrong($key: String!) { entity(key: $key) { nickname } }"
SHEPARD = {"key": "person/alan-shepard"}


@pytest.fixture(params=[False, True], ids=["as it comes", "knowing the schema"])
async def client(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Any]:
    """A session of a client, that asked for the schema or did not."""
    transport = HTTPXAsyncTransport(url)
    async with Client(transport=transport, fetch_schema_from_transport=request.param) as session:
        yield session


async def test_it_asks_with_variables(client: Any) -> None:
    question = GraphQLRequest(WHOLE, variable_values=SHEPARD)
    assert await client.execute(question) == {"entity": SHEPARD | {"name": "Alan Shepard"}}


async def test_an_error_has_its_code_and_what_was_answered_beside_it(client: Any) -> None:
    question = GraphQLRequest(PARTLY, variable_values=SHEPARD)
    with pytest.raises(TransportQueryError) as raised:
        await client.execute(question)
    [error] = raised.value.errors
    assert error["message"] == "id 'nonsense' cannot be read; use an id that this API gave"
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert raised.value.data == {"entity": {"name": "Alan Shepard"}, "node": None}


async def test_a_field_of_no_schema_is_refused_here_or_there(client: Any) -> None:
    question = GraphQLRequest(WRONG, variable_values=SHEPARD)
    with pytest.raises((TransportQueryError, GraphQLError)) as raised:
        await client.execute(question)
    assert "Cannot query field 'nickname' on type 'Entity'" in str(raised.value)
    if client.client.schema is None:
        assert isinstance(raised.value, TransportQueryError)
        assert raised.value.errors[0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
