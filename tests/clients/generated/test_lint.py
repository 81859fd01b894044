"""The schema as graphql-eslint sees it, and the operations of generated clients as graphql-inspector does."""

from typing import Any

import msgspec

from tests.clients.generated.conftest import SCHEMA, Project

ONE_PAGE = ("@graphql-eslint/relay-arguments", "similar(")
"""What is most like a thing is a connection without `after`: one page, nothing follows."""


async def test_the_schema_keeps_the_rules(lint: Project) -> None:
    printed = lint.tool("eslint", "--format=json", SCHEMA.name, code=1)
    (result,) = msgspec.json.decode(printed)
    lines = SCHEMA.read_text(encoding="utf-8").splitlines()
    found = [_seen(message, lines) for message in result["messages"]]
    assert found == [ONE_PAGE] * 3


def _seen(message: dict[str, Any], lines: list[str]) -> tuple[str, str]:
    """A rule, and where it is broken."""
    return message["ruleId"], lines[message["line"] - 1].strip()


async def test_generated_operations_are_valid_and_use_nothing_deprecated(
    lint: Project, codegen: Project, relay: Project
) -> None:
    manifests = (codegen.manifest("gql/persisted-documents.json"), relay.manifest("persisted.json"))
    documents = [text for manifest in manifests for text in manifest.values()]
    folder = lint.folder / "operations"
    folder.mkdir()
    for number, text in enumerate(documents):
        (folder / f"{number}.graphql").write_text(text, encoding="utf-8")
    # Each document brings its fragments, whose names are those of the others'.
    options = ("--deprecated", "--noStrictFragments")
    printed = lint.tool(
        "graphql-inspector", "validate", "operations/*.graphql", SCHEMA.name, *options
    )
    assert "All documents are valid" in printed
