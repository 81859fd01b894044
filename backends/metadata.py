"""Metadata as a list of tokens: one way of matching JSON that is exact in every store.

Beside a record stand the tokens of its metadata: for each dotted path into its objects `path` (a value
is there and is not null) and `path=canonical JSON`.  A filter is then a test for a token, with no
store's own opinion of whether 1 is true or `"x"` is in `["x"]` (semantics.md, Filters).

    {"a": {"b": 1.0}}   →   a?   a={"b":1}   a.b?   a.b=1
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec

LONGEST_TOKEN = 200
"""Bytes of a token; a longer one is replaced by its digest, so that any store can index it."""


def tokens_of(metadata: Mapping[str, Any]) -> list[str]:
    """Every token of a record's metadata, sorted, once each."""
    return sorted(set(_walk(metadata, "")))


def presence_token(path: str) -> str:
    """The token of a path where a value stands that is not null."""
    return _bounded(f"{path}?")


def value_token(path: str, value: Any) -> str:
    """The token of a path where `value` stands.  Raises ValueError for what JSON cannot hold."""
    return _bounded(f"{path}={canonical(value)}")


def canonical(value: Any) -> str:
    """The one spelling of a JSON value: keys sorted, whole floats as integers."""
    return msgspec.json.encode(_normal(value), order="sorted").decode()


def _walk(value: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, inner in value.items():
        if "." in key:
            continue  # a key that holds a dot cannot be reached
        path = f"{prefix}{key}"
        if inner is not None:
            yield presence_token(path)
        yield value_token(path, inner)
        if isinstance(inner, dict):
            yield from _walk(cast("dict[str, Any]", inner), f"{path}.")


def _normal(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no JSON value")
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _normal(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_normal(inner) for inner in cast("Iterable[Any]", value)]
    return value


def _bounded(token: str) -> str:
    data = token.encode()
    if len(data) <= LONGEST_TOKEN:
        return token
    return "#" + hashlib.blake2b(data, digest_size=24).hexdigest()
