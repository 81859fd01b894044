"""Operations with the answers they must get, worked out by an independent implementation.

The odd memory's are carried here; the PEP memory's lie beside its texts.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import DATA, SHARED, Gateway


def cases(file: Path) -> list[Any]:
    if not file.exists():
        return [pytest.param(None, id=f"{file.name} is not at hand")]
    lines = file.read_text(encoding="utf-8").strip().split("\n")
    return [
        pytest.param(json.loads(line), id=f"{file.stem}-{number}")
        for number, line in enumerate(lines, 1)
    ]


@pytest.mark.parametrize("case", cases(DATA / "odd_cases.jsonl"))
async def test_answers_a_case_over_the_odd_memory(odd: Gateway, case: dict[str, Any]) -> None:
    await check(odd, case)


@pytest.mark.peps
@pytest.mark.parametrize("case", cases(SHARED / "cases" / "peps.jsonl"))
async def test_answers_a_case_over_the_peps(peps: Gateway, case: dict[str, Any]) -> None:
    await check(peps, case)


def test_the_carried_cases_are_the_shared_ones() -> None:
    shared = SHARED / "cases" / "odd.jsonl"
    if not shared.exists():
        pytest.skip(f"{shared} is not at hand")
    assert (DATA / "odd_cases.jsonl").read_bytes() == shared.read_bytes()


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
