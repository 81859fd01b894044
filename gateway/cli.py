"""The command `memory-gateway`.  Exit codes: 0 good, 1 a problem was found, 2 wrong usage."""

import asyncio
import sys
from collections.abc import Coroutine
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from graphql import GraphQLError, build_schema
from rich.console import Console

from backends.errors import MemoryGatewayError
from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from gateway import schema_diff
from gateway.copying import Copied, Memory, copy, print_copied, same_place
from gateway.doctor import examine
from gateway.explorer import DEMO_EXAMPLES
from gateway.loading import load as load_files
from gateway.loading import print_report
from gateway.migrating import migrate
from gateway.schema import create_schema, print_sdl
from gateway.server import bind, serve_app, try_stores
from gateway.settings import Settings, load_settings
from gateway.workers import serve_in_workers

T = TypeVar("T")

DEMO_DATABASE = Path(".demo/memory.db")
SCHEMA_FILE = Path("schema.graphql")
PROBLEM = 1
WRONG_USAGE = 2

app = typer.Typer(
    help="A GraphQL gateway over the stores that together hold an agent's memory.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
schema_app = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)
app.add_typer(schema_app, name="schema")

out = Console()
err = Console(stderr=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="A gateway.toml.")]
DatabaseOption = Annotated[
    Path | None, typer.Option("--database", help="An embedded file, instead of a configuration.")
]
TenantOption = Annotated[str | None, typer.Option(help="Whose memory; default: `default`.")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on; default: 127.0.0.1.")]
PortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port to listen on; default: 8000, 0: any free."),
]


def main() -> None:
    """Run the command line."""
    app()


WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=256, help="Processes that serve; default: 1.")
]


@app.command()
def demo(host: HostOption = None, port: PortOption = None) -> None:
    """Build the demo memory, the history of crewed spaceflight to the Moon, and serve it."""
    DEMO_DATABASE.parent.mkdir(exist_ok=True)
    settings = _settings(None, DEMO_DATABASE, host=host, port=port)
    settings.explorer.examples = DEMO_EXAMPLES
    settings.http.trace = True  # there is nothing to hide, and the explorer has a waterfall to show
    with as_file(files("gateway.demo").joinpath("memory")) as folder:
        report = _run(_load(settings, [str(folder)]))
    out.print(f"demo memory: {report.records:,} records in {report.seconds:.1f} s")
    if report.rejected_count:
        print_report(report, err)
        raise typer.Exit(PROBLEM)
    _serve(settings)


@app.command()
def serve(
    config: ConfigOption = None,
    database: DatabaseOption = None,
    tenant: TenantOption = None,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
) -> None:
    """Serve the API and the explorer."""
    given = {"tenant": tenant, "host": host, "port": port, "workers": workers}
    _serve(_settings(config, database, **given))


@app.command("load")
def load_command(
    paths: Annotated[
        list[str], typer.Argument(help="Files and folders: .jsonl(.gz), .md, .txt; - for stdin.")
    ],
    config: ConfigOption = None,
    database: DatabaseOption = None,
    tenant: TenantOption = None,
) -> None:
    """Load a memory; again and again without doubles."""
    settings = _settings(config, database, tenant=tenant)
    report = _run(_load(settings, paths))
    print_report(report, out)
    if report.rejected_count:
        raise typer.Exit(PROBLEM)


@app.command("migrate")
def migrate_command(
    config: ConfigOption = None,
    database: DatabaseOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it, do nothing.")] = False,
) -> None:
    """Make what each store needs to play its roles; again and again without harm."""
    settings = _settings(config, database)
    if not _run(migrate(settings, dry_run=dry_run, console=out, errors=err)):
        raise typer.Exit(PROBLEM)


@app.command("copy")
def copy_command(
    from_config: Annotated[
        Path | None, typer.Option("--from", help="The gateway.toml of the memory to copy.")
    ] = None,
    from_database: Annotated[
        Path | None, typer.Option("--from-database", help="The same, an embedded file.")
    ] = None,
    to_config: Annotated[
        Path | None, typer.Option("--to", help="The gateway.toml of where it shall be.")
    ] = None,
    to_database: Annotated[
        Path | None, typer.Option("--to-database", help="The same, an embedded file.")
    ] = None,
    tenant: TenantOption = None,
) -> None:
    """Copy a memory into other stores; again and again without doubles."""
    source = _side("--from", from_config, from_database, tenant=tenant, read_only=True)
    target = _side("--to", to_config, to_database, tenant=tenant)
    copied = _run(_copy(source, target))
    print_copied(copied, out)
    if not copied.complete:
        _fail("the target does not hold what the source does; run the same command again")


@app.command()
def doctor(
    config: ConfigOption = None, database: DatabaseOption = None, tenant: TenantOption = None
) -> None:
    """Say what is configured, what answers, what it holds and what is missing."""
    settings = _settings(config, database, tenant=tenant, read_only=True)
    if not _run(examine(settings, out)):
        raise typer.Exit(PROBLEM)


@schema_app.command("print")
def schema_print() -> None:
    """Print the schema in SDL, sorted."""
    sys.stdout.write(print_sdl(create_schema()))


@schema_app.command("check")
def schema_check(file: Annotated[Path, typer.Argument()] = SCHEMA_FILE) -> None:
    """Check that a file is the schema as printed."""
    if _text(file) != print_sdl(create_schema()):
        message = f"{file} is not the schema; run: memory-gateway schema print > {file}"
        err.print(message, markup=False, soft_wrap=True)
        raise typer.Exit(PROBLEM)
    out.print(f"{file} is the schema", markup=False, soft_wrap=True)


@schema_app.command("diff")
def schema_diff_command(
    old: Annotated[Path, typer.Argument(help="The schema that clients know.")] = SCHEMA_FILE,
    new: Annotated[
        Path | None, typer.Argument(help="The schema to come; default: this program's.")
    ] = None,
) -> None:
    """Name the changes between two schemas; exit 1 if any breaks a client."""
    before = _built(old, _text(old))
    after = _built(new, _text(new)) if new else build_schema(print_sdl(create_schema()))
    broken = schema_diff.breaking(before, after)
    for label, changes in (
        ("breaking", broken),
        ("dangerous", schema_diff.dangerous(before, after)),
        ("new", schema_diff.additions(before, after)),
    ):
        for change in changes:
            out.print(f"{label}: {change}", markup=False, soft_wrap=True)
    if broken:
        raise typer.Exit(PROBLEM)


async def _load(settings: Settings, paths: list[str]) -> Any:
    try:
        found = sources(paths)
    except (FileNotFoundError, ValueError) as error:
        _fail(str(error), WRONG_USAGE)
    async with Federation(settings.federation) as federation:
        return await load_files(federation, Scope(settings.tenant), found, console=err)


async def _copy(source: Settings, target: Settings) -> Copied:
    here, there = Federation(source.federation), Federation(target.federation)
    if source.tenant == target.tenant and same_place(here.config, there.config):
        _fail("--from and --to are the same stores and tenant; name two places", WRONG_USAGE)
    async with here, there:
        return await copy(
            Memory(here, Scope(source.tenant)), Memory(there, Scope(target.tenant)), console=err
        )


def _side(flag: str, config: Path | None, database: Path | None, **given: Any) -> Settings:
    """The settings of one side of a copy, which must say where it is."""
    if (config is None) == (database is None):
        _fail(f"give one of {flag} and {flag}-database", WRONG_USAGE)
    return _settings(config, database, one_of_two=True, **given)


def _serve(settings: Settings) -> None:
    """Listen first, so that a port in use is found before anything is opened."""
    try:
        listener = bind(settings.host, settings.port)
    except OSError as error:
        reason = error.strerror or error
        _fail(
            f"cannot listen on {settings.host}:{settings.port}: {reason}; choose another with "
            "--host or --port"
        )
    with listener:
        if settings.workers == 1:
            _run(serve_app(settings, listener, out))
        else:
            _run(try_stores(settings))
            serve_in_workers(settings, listener, out)


def _settings(config: Path | None, database: Path | None, **given: Any) -> Settings:
    try:
        return load_settings(config=config, database=database, **given)
    except MemoryGatewayError as error:
        _fail(str(error), WRONG_USAGE)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; errors of ours, and an interruption, end the command with a line."""
    try:
        return asyncio.run(work)
    except MemoryGatewayError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped; what was written is safe, run the same command to go on")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _fail(f"{file}: {error}", WRONG_USAGE)


def _built(file: Path | None, text: str) -> Any:
    try:
        return build_schema(text)
    except (GraphQLError, TypeError) as error:
        _fail(f"{file} is not a schema: {error}", WRONG_USAGE)


def _fail(message: str, code: int = PROBLEM) -> NoReturn:
    err.print(
        f"memory-gateway: {message}", style="red", markup=False, highlight=False, soft_wrap=True
    )
    raise typer.Exit(code)
