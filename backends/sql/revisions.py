"""The revisions of the schema: which there are, and what to say of one that is not among them."""

import logging
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from backends.errors import SchemaTooNew

logging.getLogger("alembic").setLevel(logging.WARNING)  # its every step is not news

MIGRATIONS = Path(__file__).with_name("migrations")


def head() -> str:
    """The revision that this program works with."""
    current = ScriptDirectory.from_config(config()).get_current_head()
    assert current is not None
    return current


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings; there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    return settings


def refuse_newer(store: str, where: str, revision: str | None) -> None:
    """Raise SchemaTooNew for a revision that this program does not know."""
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaTooNew(
            store,
            f"store {store}: {where} has schema {revision}, which this program does not know "
            f"(it goes up to {head()}); use a newer memory-gateway",
        )
