"""Asking a case and comparing its answer: order of keys, times as instants, errors as a set."""

from datetime import datetime
from typing import Any

from tests.support import Gateway


async def check(gateway: Gateway, case: dict[str, Any]) -> None:
    variables = await with_ids(gateway, case.get("variables") or {})
    answer = await gateway.answer(case["operation"], variables)
    data = answer.get("data")
    assert same(data, case.get("data")), data
    found = {(cut(error.get("path", []), data), error["extensions"]["code"])
             for error in answer.get("errors", [])}  # fmt: skip
    assert found == {(tuple(each["path"]), each["code"]) for each in case.get("errors", [])}


async def with_ids(gateway: Gateway, value: Any) -> Any:
    """The variables, ids of this server in place of `{"$id": [kind, key]}`."""
    if isinstance(value, list):
        return [await with_ids(gateway, each) for each in value]
    if isinstance(value, dict):
        if set(value) == {"$id"}:
            return await gateway.id(*value["$id"])
        return {name: await with_ids(gateway, each) for name, each in value.items()}
    return value


def cut(path: list[Any], data: Any) -> tuple[Any, ...]:
    """A path up to the first null that it meets."""
    met: list[Any] = []
    for step in path:
        if data is None:
            break
        data = data[step]
        met.append(step)
    return tuple(met)


def same(one: Any, other: Any, field: str = "") -> bool:
    """Equal with the order of keys; times as instants; metadata and attributes as JSON."""
    if field in ("metadata", "attributes"):
        return same_json(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key], key) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            same(a, b, field) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, str) and isinstance(other, str) and one != other:
        try:
            return datetime.fromisoformat(one) == datetime.fromisoformat(other)
        except ValueError:
            return False
    return type(one) is type(other) and one == other


def same_json(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return one == other
