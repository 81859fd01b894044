"""Answers as bytes: what Python's json would write, but for what JSON lacks."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.encoding import encode
from gateway.execution.shapes import Dicts, Encodable, Shape

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner)
    ),
)


@given(VALUES)
def test_it_is_json_that_says_the_same(value: Any) -> None:
    assert json.loads(encode(value)) == json.loads(json.dumps(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_to_the_last_bit(number: float) -> None:
    (back,) = json.loads(encode([number]))
    assert math.copysign(1, back) == math.copysign(1, number)
    assert float(back) == number


@pytest.mark.parametrize("text", ["plain", "lone \ud800 surrogate"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_of_json_is_null(number: float, text: str) -> None:
    assert json.loads(encode({"a": [number, 1.5], "b": text})) == {"a": [None, 1.5], "b": text}


def test_a_lone_surrogate_is_escaped_and_everything_else_stands() -> None:
    answer = {"data": {"a": "\udfff", "b": ["é", 2**70, True, None, 0.1]}}
    assert json.loads(encode(answer)) == answer
    assert encode(answer).isascii()


@pytest.mark.parametrize(
    "keys", [("a",), ("__typename", "class", "ünïcode", "f0", "f1"), ("f1", "f0")]
)
def test_structs_are_encoded_as_the_dicts_they_stand_for_in_the_order_of_the_keys(
    keys: tuple[str, ...],
) -> None:
    shape = Shape(keys)
    columns = [[f"{key}{row}" for row in range(3)] for key in keys]
    expected = json.dumps(shape.dicts(columns), separators=(",", ":"), ensure_ascii=False).encode()
    for _ in range(3):  # the class is made on the way
        assert encode(shape.structs(columns)) == expected


def test_a_struct_with_a_lone_surrogate_is_encoded_too() -> None:
    shape = Shape(("a",))
    shape.structs([["x"]])
    (struct,) = shape.structs([["\ud800"]])
    assert json.loads(encode({"data": struct})) == {"data": {"a": "\ud800"}}


@given(st.lists(st.integers(0, 4), max_size=6) | st.lists(st.just(3), max_size=6))
def test_items_are_cut_into_lists_of_their_counts(counts: list[int]) -> None:
    items: list[Any] = list(range(sum(counts)))
    lists = Dicts().lists(items, counts)
    assert [len(each) for each in lists] == counts
    assert [item for each in lists for item in each] == items
    assert list(map(list, Encodable().lists(items, counts))) == lists
