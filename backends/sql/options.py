"""What the configuration may say of a relational store."""

import msgspec


class SqlOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[stores.<name>]` takes for `kind = "sql"`: the `path` of a file, or the `url` of a file or a
    server.  Times in seconds.

    A file: `upgrade` brings an older one up to date when it is opened (with a backup beside it); without
    it an older file is refused.

    A server: `password` (from the environment) goes into `url` and `read_url`; reads go to `read_url`, a
    replica, if it is set.  `prepared_statements = false` is for a pooler that hands servers out by
    transaction.  `language` is a text search configuration of the server.

    Both: `pool_size` connections and never more, `pool_timeout` for a free one; a server's are replaced
    after `pool_recycle` and tried before use after `pre_ping` idle seconds; `connect_timeout` for its
    greeting.  `read_only` never writes.
    """

    url: str = ""
    path: str = ""
    password: str = ""
    read_url: str = ""
    pool_size: int = 5
    pool_timeout: float = 5.0
    pool_recycle: float = 3600.0
    pre_ping: float = 5.0
    connect_timeout: float = 5.0
    prepared_statements: bool = True
    language: str = "english"
    upgrade: bool = True
    read_only: bool = False
