"""PgBouncer, Debian's, in transaction mode in front of a PostgreSQL server."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

from tests.servers.postgres import DRIVER
from tests.servers.process import free_port, given, listening, place, program, running

VARIABLE = "MEMORY_GATEWAY_TEST_PGBOUNCER_URL"

_CONFIGURATION = """\
[databases]
* = {target}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
max_client_conn = 300
"""
"""Every database of the server, by its own name.  `server_reset_query` does not run in this mode."""


@contextmanager
def serving(postgres: str) -> Generator[str]:
    """A PgBouncer that the environment names, which must stand before this PostgreSQL, else one of our
    own: its URL, as `started` gives it."""
    if (url := given(VARIABLE)) is not None:
        yield make_url(url).set(drivername=DRIVER).render_as_string(hide_password=False)
        return
    with started(postgres) as url:
        yield url


@contextmanager
def started(postgres: str, port: int | None = None) -> Generator[str]:
    """A PgBouncer of our own before the server of this URL: an SQLAlchemy URL of the same database."""
    pgbouncer = program("pgbouncer", package="pgbouncer", variable=VARIABLE)
    port = port or free_port()
    behind = make_url(postgres)
    with place("pgbouncer") as home:
        file = home / "pgbouncer.ini"
        file.write_text(_CONFIGURATION.format(target=_target(behind), port=port))
        user = _user(behind) if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(file, user)
        file.chmod(0o400)  # it may hold a password
        command = [pgbouncer, file]
        with running(command, folder=home, ready=lambda _: listening(port), seconds=30, user=user):
            yield URL.create(
                DRIVER, "anyone", host="127.0.0.1", port=port, database=behind.database
            ).render_as_string(hide_password=False)


def _target(behind: URL) -> str:
    """How PgBouncer reaches the server, and as whom."""
    host = behind.host or behind.query.get("host")
    parts = {
        "host": host,
        "port": behind.port,
        "user": behind.username,
        "password": behind.password,
    }
    quoted = {name: str(part).replace("'", "''") for name, part in parts.items() if part}
    return " ".join(f"{name}='{part}'" for name, part in quoted.items())


def _user(behind: URL) -> str:
    """Whom to run as instead of root: the owner of the server's socket, else nobody."""
    folder = behind.query.get("host")
    return Path(folder).owner() if isinstance(folder, str) else "nobody"
