"""What deployment rests on: the compose file, the image, and what docs/deployment.md says of both."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.main
import yaml

from backends.errors import StoreTimeout, StoreUnavailable
from backends.federation import Federation
from backends.registry import BUILT_IN
from gateway.cli import app
from gateway.settings import Settings, load_settings
from tests.servers.played import playing
from tests.support import ROOT

CONFIG = ROOT / "docs" / "compose" / "gateway.toml"
DOCS = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+)([^}]*)\}")
STORES = {"postgres", "qdrant", "neo4j", "redis"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return compose["services"]


def stages() -> list[str]:
    """The stages of the Dockerfile."""
    return re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]


def instruction(name: str) -> str:
    """An instruction of the image that runs, on one line."""
    (found,) = re.findall(rf"^{name} ((?:.*\\\n)*.*)$", stages()[-1], re.MULTILINE)
    return re.sub(r"\s*\\\n\s*", " ", found)


# The compose file


def test_every_service_is_checked_or_ends_by_itself(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == STORES | {"gateway", "migrate"}
    for name in STORES:
        check = services[name]["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert "/healthz" in instruction("HEALTHCHECK")
    assert services["gateway"]["build"] == services["migrate"]["build"] == "."
    assert services["migrate"]["healthcheck"] == {"disable": True}
    assert services["migrate"]["restart"] == "no"


def test_the_gateway_waits_for_the_stores_and_for_migrate(
    services: dict[str, dict[str, Any]],
) -> None:
    healthy = {name: {"condition": "service_healthy"} for name in STORES}
    assert services["migrate"]["command"] == ["migrate"]
    assert services["migrate"]["depends_on"] == healthy
    assert services["gateway"]["depends_on"] == healthy | {
        "migrate": {"condition": "service_completed_successfully"}
    }


def test_no_password_has_a_default(services: dict[str, dict[str, Any]]) -> None:
    variables = VARIABLE.findall(json.dumps(services))
    assert {rest for _, rest in variables} == {":?set it in .env, see .env.example"}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE)) == {
        (name, "") for name, _ in variables
    }
    secret = re.compile(r"PASSWORD|API_KEY|AUTH")
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if secret.search(key):
                assert VARIABLE.search(value), (name, key)
    assert "--requirepass" in services["redis"]["command"]


def test_ports_are_open_to_this_machine_alone(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_memory_is_limited_and_data_is_in_named_volumes(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    assert all("mem_limit" in service for service in services.values())
    used = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }
    assert used == set(compose["volumes"]) == {"postgres", "qdrant", "neo4j"}


def test_images_are_of_a_version(services: dict[str, dict[str, Any]]) -> None:
    for name in STORES:
        assert re.search(r":.*\d", services[name]["image"]), name
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.search(r":.*\d", image), image


def test_the_gateway_of_the_compose_file_is_configured(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MEMORY_GATEWAY_")]:
        monkeypatch.delenv(name)
    environment: dict[str, str] = services["gateway"]["environment"]
    mounted = f"./{CONFIG.relative_to(ROOT)}:{environment['MEMORY_GATEWAY_CONFIG']}:ro"
    assert services["gateway"]["volumes"] == [mounted]
    assert services["migrate"]["environment"] == environment
    for name, value in environment.items():
        monkeypatch.setenv(name, VARIABLE.sub(r"secret of \1", value))
    monkeypatch.setenv("MEMORY_GATEWAY_CONFIG", str(CONFIG))
    settings = load_settings()
    federation = Federation(settings.federation)
    assert {role for name in federation.stores for role in federation.roles_of(name)} >= {
        "texts", "graph", "vectors", "keywords.chunk", "keywords.fact", "cache"
    }  # fmt: skip
    secrets = {
        name: {str(value) for value in (store.model_extra or {}).values() if "secret" in str(value)}
        for name, store in settings.stores.items()
    }
    assert secrets == {
        "postgres": {"secret of POSTGRES_PASSWORD"},
        "qdrant": {"secret of QDRANT_API_KEY"},
        "graph": {"secret of NEO4J_PASSWORD"},
        "cache": {"secret of REDIS_PASSWORD"},
    }
    for store in settings.stores.values():
        host = re.search(r"//(?:\w+@)?(\w+):(\d+)", str((store.model_extra or {})["url"]))
        assert host is not None
        assert any(port.endswith(f":{host[2]}") for port in services[host[1]]["ports"])


def test_a_missing_password_is_named_and_a_whole_file_accepted(tmp_path: Path) -> None:
    """By docker-compose itself, where it is at hand."""
    command = ["docker-compose", "--file", str(ROOT / "docker-compose.yml"), "--env-file"]
    if shutil.which(command[0]) is None:
        pytest.skip("docker-compose is not installed; apt-get install docker-compose")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    (tmp_path / "empty").write_text(example)
    (tmp_path / "full").write_text(re.sub(r"=$", "=x", example, flags=re.MULTILINE))
    refused, accepted = (
        subprocess.run(
            [*command, str(tmp_path / name), "config", "--quiet"],
            capture_output=True, text=True, check=False,
        )
        for name in ("empty", "full")
    )  # fmt: skip
    assert refused.returncode != 0
    assert "set it in .env, see .env.example" in refused.stderr
    assert accepted.returncode == 0, accepted.stderr


@asynccontextmanager
async def answering(status: str) -> AsyncIterator[int]:
    """A port where `/readyz` has a status, and everything else is not found."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        found = status if asked.startswith(b"GET /readyz ") else "404 Not Found"
        writer.write(f"HTTP/1.0 {found}\r\n\r\n".encode())
        await writer.drain()

    async with playing(answer) as port:
        yield port


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
async def test_qdrant_is_healthy_when_it_says_that_it_is_ready(
    services: dict[str, dict[str, Any]], status: str, code: int
) -> None:
    _, *command = services["qdrant"]["healthcheck"]["test"]
    async with answering(status) as port:
        arguments = [each.replace("$$", "$").replace("6333", str(port)) for each in command]
        process = await asyncio.create_subprocess_exec(*arguments)
        assert await process.wait() == code


# The image


def test_the_image_runs_as_nobody_in_particular_and_holds_no_secret() -> None:
    uid, gid = instruction("USER").split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert json.loads(instruction("ENTRYPOINT")) == ["memory-gateway"]
    assert json.loads(instruction("CMD")) == ["serve"]
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|KEY|SECRET)", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {f"!{source}" for source in sources} == {rule for rule in rules if rule[0] == "!"}
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
async def test_the_image_is_healthy_while_the_gateway_lives(status: str, code: int) -> None:
    command = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    arguments = [each.replace("/healthz", "/readyz") for each in command]
    async with answering(status) as port:
        environment = os.environ | {"MEMORY_GATEWAY_PORT": str(port)}
        process = await asyncio.create_subprocess_exec(*arguments, env=environment)
        assert await process.wait() == code


def test_what_the_image_installs_is_locked() -> None:
    build = next(stage for stage in stages() if " AS build" in stage)
    for install in re.findall(r"uv pip install (?:.*\\\n)*.*", build):
        assert "--require-hashes" in install or "--no-deps dist/" in install
    assert "uv build" in build
    for line in re.findall(r"uv (?:build|pip compile) (?:.*\\\n)*.*", build):
        assert "constraint requirements.lock" in line


# The docs


def test_every_configuration_in_the_docs_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MEMORY_GATEWAY_")]:
        monkeypatch.delenv(name)
    examples = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert len(examples) == 4
    for example in examples:
        assert Federation(Settings(**tomllib.loads(example)).federation).stores
    assert CONFIG.read_text(encoding="utf-8") in examples


def test_every_command_in_the_docs_is_one() -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = re.findall(r"^    memory-gateway (\w+)(.*)$", DOCS, re.MULTILINE)
    assert {command for command, _ in lines} == {"migrate", "doctor", "copy"}
    for command, rest in lines:
        known = {option for each in commands[command].params for option in each.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known
    for option in re.findall(r"`(--[\w-]+)`", DOCS):
        assert any(option in each.opts for c in commands.values() for each in c.params), option


def test_every_setting_of_a_pool_in_the_docs_is_one() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (`pool_size` .*) \|$", DOCS, re.MULTILINE)
    assert {kind for kind, _ in rows} == {"sql", "neo4j", "qdrant", "redis"}
    for kind, cells in rows:
        module, _, name = BUILT_IN[kind].partition(":")
        options = getattr(__import__(module, fromlist=[name]), name).Options
        known = {field.name for field in msgspec.structs.fields(options)}
        named = set(re.findall(r"`(\w+)`", cells))
        assert named <= known
        assert named >= {each for each in known if each.startswith("pool_")}


def test_every_code_in_the_docs_is_one() -> None:
    known = {each.code for each in (StoreUnavailable, StoreTimeout)}
    assert set(re.findall(r"`(STORE_\w+)`", DOCS)) == known
