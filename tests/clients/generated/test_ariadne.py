"""A Python client made by ariadne-codegen, of pydantic models."""

from tests.clients.generated.conftest import Project


async def test_a_program_has_answers_as_models(ariadne: Project, url: str) -> None:
    apollo_8, *people = ariadne.lines("program.py", url)
    assert apollo_8["validAt"] == "1968-01-01T00:00:00+00:00"
    assert apollo_8["name"] == "Apollo 8"
    assert apollo_8["attributes"]["type"] == "C'"
    assert apollo_8["planned"] == ["David Scott", "James McDivitt", "Rusty Schweickart"]
    assert people == [{"type": "Entity", "text": "Frank Borman"}]
