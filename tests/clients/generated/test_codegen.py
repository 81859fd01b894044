"""TypeScript made by the client preset of graphql-codegen, its scalars strict, compiled as strictly."""

import hashlib
from pathlib import Path

from tests.clients.generated.conftest import Project
from tests.support import running


async def test_a_program_compiles_and_its_answers_have_the_types_of_the_schema(
    codegen: Project, url: str
) -> None:
    codegen.tool("tsc")
    apollo_8, *people = codegen.lines("built/program.js", url)
    assert apollo_8["name"] == "Apollo 8"
    assert apollo_8["attributes"]["type"] == "C'"
    assert apollo_8["planned"] == ["David Scott", "James McDivitt", "Rusty Schweickart"]
    assert people == [{"type": "Entity", "text": "Frank Borman", "scored": True}]


async def test_the_manifest_names_each_document_by_its_hash(codegen: Project) -> None:
    manifest = codegen.manifest("gql/persisted-documents.json")
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in manifest.values()]
    assert list(manifest) == [f"sha256:{name}" for name in hashes]
    made = (codegen.folder / "gql" / "graphql.ts").read_text(encoding="utf-8")
    assert len(manifest) == 2
    assert all(f'"hash":"{name}"' in made for name in manifest)


async def test_a_gateway_that_trusts_only_the_manifest_runs_its_documents_by_id(
    codegen: Project, tmp_path: Path
) -> None:
    manifest = codegen.folder / "gql" / "persisted-documents.json"
    trusted = {"manifest": manifest, "only_trusted": True}
    async with running(tmp_path / "memory.db", documents=trusted) as gateway:
        for name, text in codegen.manifest("gql/persisted-documents.json").items():
            by_id, by_text, changed = [
                (await gateway.client.post("/graphql", json=asked)).json()["errors"][0]
                for asked in ({"documentId": name}, {"query": text}, {"query": text + " "})
            ]
            assert "Variable '$" in by_id["message"]  # it runs, and lacks a variable
            assert by_text == by_id
            assert changed["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
