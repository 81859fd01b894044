"""Operations with the answers they must get, worked out by an independent implementation, on every
federation.

The odd memory's are carried here; the PEP memory's lie beside its texts.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cases import check
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
async def test_answers_a_case_over_the_odd_memory(
    odd_anywhere: Gateway, case: dict[str, Any]
) -> None:
    await check(odd_anywhere, case)


@pytest.mark.peps
@pytest.mark.parametrize("case", cases(SHARED / "cases" / "peps.jsonl"))
async def test_answers_a_case_over_the_peps(peps_anywhere: Gateway, case: dict[str, Any]) -> None:
    await check(peps_anywhere, case)


def test_the_carried_cases_are_the_shared_ones() -> None:
    shared = SHARED / "cases" / "odd.jsonl"
    if not shared.exists():
        pytest.skip(f"{shared} is not at hand")
    assert (DATA / "odd_cases.jsonl").read_bytes() == shared.read_bytes()
