"""What the docs say is true."""

import json
import re
import tomllib

import msgspec

from backends import registry
from gateway.settings import Settings
from tests.support import ROOT, Gateway

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found


async def test_the_question_of_the_readme_has_the_answer_of_the_readme(demo: Gateway) -> None:
    assert await demo.answer(block("graphql")) == json.loads(block("json"))


def test_the_readme_fits_a_screen_or_so_and_names_only_what_is_there() -> None:
    assert len(README.splitlines()) < 110
    for name in re.findall(r"\]\(([^)]+)\)|\(?(docs/[\w.-]+\.md)", README):
        assert (ROOT / (name[0] or name[1])).exists()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}:" in makefile for target in re.findall(r"make (\w+)", README))


def test_the_documented_configuration_is_valid() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example, _ = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    settings = Settings(**tomllib.loads(example))
    assert settings.federation.roles.texts == "memory"
    documented = tomllib.loads(example)
    documented["documents"]["manifest"] = documented["explorer"]["examples"] = None  # in comments
    for section in ("documents", "explorer", "http", "limits", "search", "streams"):
        assert set(documented[section]) == set(getattr(settings, section).model_dump())


def test_every_option_of_every_kind_of_store_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    _, kinds = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    documented = tomllib.loads(kinds)
    assert {store["kind"] for store in documented["stores"].values()} == set(registry.BUILT_IN)
    for name, store in documented["stores"].items():
        kind = store.pop("kind")
        known = registry.load(kind, name).Options()
        options = {
            field.name: getattr(known, field.name) for field in msgspec.structs.fields(known)
        }
        apart = {"password", "api_key"} | ({"url", "path", "upgrade"} if kind == "sql" else set())
        assert set(store) - {"url"} == set(options) - {"url"} - apart, kind
        for option in set(store) - apart:
            assert store[option] == options[option], (kind, option)
    settings = Settings(cache=documented["cache"])
    assert settings.cache == Settings().cache
