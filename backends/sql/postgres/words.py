"""The words of a search entry: a generated tsvector column, and an index of it for each kind.

Before the language's own parser and stemmer see a text, accents go and punctuation becomes blanks, as
words are cut in a query (`backends.words`): PostgreSQL's parser would take `pep-8` for a word and a
number, and a path for one token.
"""

import re

from sqlalchemy import Connection, text

from backends.records import Kind

INDEXED = 200_000
"""Characters of a text that are indexed: a tsvector holds 1 MB."""

_ACCENTS = r"[\u0300-\u036f]"
_PUNCTUATION = r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+"
_LOWER = ("pg_unicode_fast", "pg_c_utf8", "und-x-icu", "C.utf8")
"""Collations whose lower() knows every script, the best first; a database's own may be C."""


def current_language(connection: Connection) -> str | None:
    """The language of the words that are there, `None` if there are none."""
    expression = connection.scalar(
        text(
            "SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d "
            "JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum) "
            "WHERE d.adrelid = to_regclass('search_entry') AND a.attname = 'words'"
        )
    )
    found = re.search(r"'([^']+)'::regconfig", expression or "")
    return found and found[1]


def statements(connection: Connection, language: str) -> list[str]:
    """What makes the words, in place of those that are there."""
    known = set(connection.scalars(text("SELECT collname FROM pg_collation")))
    lower = next((name for name in _LOWER if name in known), "default")
    prepared = f"""lower(left(title || ' ' || body, {INDEXED}) COLLATE "{lower}")"""
    prepared = f"regexp_replace(normalize({prepared}, NFD), '{_ACCENTS}', '', 'g')"
    prepared = f"regexp_replace({prepared}, '{_PUNCTUATION}', ' ', 'g')"
    return [
        "ALTER TABLE search_entry DROP COLUMN IF EXISTS words",
        f"ALTER TABLE search_entry ADD COLUMN words tsvector "
        f"GENERATED ALWAYS AS (to_tsvector('{language}', {prepared})) STORED",
        # Uncompressed, since ranking fetches the words of every text that matches.
        "ALTER TABLE search_entry ALTER COLUMN words SET STORAGE EXTERNAL",
        *(
            f"CREATE INDEX search_entry_words_{kind.value.lower()} ON search_entry "
            f"USING gin (words) WITH (fastupdate = off) WHERE kind = '{kind.value}'"
            for kind in Kind
        ),
    ]
