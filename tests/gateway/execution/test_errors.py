"""An error costs what lies on its way up, not what lies beside it."""

from collections import Counter
from typing import Any

import pytest
from graphql import build_schema, execute_sync, parse

from gateway.execution import columns, execute
from gateway.execution.errors import Damage, Fault

SCHEMA = build_schema("""
    type Query { lists: [List] }
    type List { items: [Item!] }
    type Item { name: String other: Inner! }
    type Inner { value: Int! }
""")
QUERY = parse("{ lists { items { name other { value } } } }")


def tree(lists: int, items: int) -> dict[str, Any]:
    """So many lists of so many items."""
    return {
        "lists": [
            {"items": [{"name": f"{i}", "other": {"value": i}} for i in range(items)]}
            for _ in range(lists)
        ]
    }


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many faults and damages are made while columns are assembled."""
    counts: Counter[str] = Counter()

    class CountedFault(Fault):
        def __init__(self, *arguments: Any) -> None:
            counts["faults"] += 1
            super().__init__(*arguments)

    class CountedDamage(Damage):
        def __init__(self, *arguments: Any) -> None:
            counts["damages"] += 1
            super().__init__(*arguments)

    monkeypatch.setattr(columns, "Fault", CountedFault)
    monkeypatch.setattr(columns, "Damage", CountedDamage)
    return counts


@pytest.mark.parametrize(("lists", "items"), [(1, 1), (30, 20), (300, 20)])
def test_one_error_is_the_same_work_in_a_small_answer_and_in_a_large_one(
    made: Counter[str], lists: int, items: int
) -> None:
    root = tree(lists, items)
    root["lists"][-1]["items"][-1]["other"]["value"] = None
    expected = execute_sync(SCHEMA, QUERY, root)
    made.clear()
    assert execute(SCHEMA, QUERY, root) == expected
    assert dict(made) == {
        "faults": 1,
        "damages": 7,
    }  # a cell for each step of the path, and the root


def test_an_answer_without_errors_makes_none(made: Counter[str]) -> None:
    assert execute(SCHEMA, QUERY, tree(20, 20)) == execute_sync(SCHEMA, QUERY, tree(20, 20))
    assert not made


def test_the_work_grows_with_the_errors(made: Counter[str]) -> None:
    counts: list[int] = []
    for errors in (1, 10, 100):
        root = tree(100, 2)
        for each in root["lists"][:errors]:
            each["items"][1]["name"] = ValueError("no")
        made.clear()
        result = execute(SCHEMA, QUERY, root)
        assert not hasattr(result, "__await__")
        assert len(result.errors) == errors
        counts.append(made["damages"])
    assert counts == [6, 51, 501]
