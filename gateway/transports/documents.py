"""Documents that clients name instead of sending them.

Trusted documents come from a manifest that a build of the client wrote; where only they are trusted, nothing
else runs.  Automatic persisted queries (APQ) are sent once with their SHA-256 hash, and named by it from then
on; those used last are kept, each worker's its own.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from backends.errors import ConfigurationError
from gateway.execution.document_cache import Part
from gateway.transports.asked import Asked
from gateway.transports.refused import NotExecutable, Refused

SHA256 = "sha256:"
VERSION = 1
"""Of the protocol of automatic persisted queries."""


class Documents:
    """Finds the text of what is asked."""

    def __init__(
        self, trusted: Mapping[str, str], *, only_trusted: bool = False, automatic: bool = True
    ) -> None:
        self._trusted = trusted
        self._trusted_texts = frozenset(trusted.values())
        self._only_trusted = only_trusted
        self._automatic = automatic and not only_trusted
        self._persisted = Part[str]()

    def text(self, asked: Asked) -> str:
        """The document that is sent or named.  Raises Refused, NotExecutable."""
        name = _name(asked)
        if asked.query is None:
            return self._named(name)
        if self._only_trusted and asked.query not in self._trusted_texts:
            message = "only trusted documents run here (documents.only_trusted); name one of them"
            raise Refused(403, "DOCUMENT_NOT_TRUSTED", message)
        if name is not None and self._is_automatic(asked):
            _check(asked.query, name)
        return asked.query

    def keep(self, asked: Asked) -> None:
        """Keep a document that turned out to be valid, if it came with its hash."""
        if asked.query is not None and self._is_automatic(asked):
            name = _name(asked)
            assert name is not None
            self._persisted.put(name, asked.query, len(asked.query))

    def _is_automatic(self, asked: Asked) -> bool:
        return (
            self._automatic
            and asked.extensions is not None
            and asked.extensions.persisted_query is not None
        )

    def _named(self, name: str | None) -> str:
        if name is None:
            message = "there is no document: query, documentId and the hash of a persisted query are missing"
            raise Refused(400, "BAD_USER_INPUT", message)
        text = self._trusted.get(name) or self._persisted.find(name)
        if text is not None:
            return text
        if self._only_trusted:
            message = f"no trusted document has the id {name[:80]!r}"
            raise NotExecutable.because("DOCUMENT_NOT_TRUSTED", message)
        if not self._automatic:
            raise NotExecutable.because(
                "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"
            )
        # The words are the protocol's.
        raise NotExecutable.because("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


def _name(asked: Asked) -> str | None:
    """What a document is named by.  Raises Refused, NotExecutable."""
    if asked.document_id is not None:
        return asked.document_id.removeprefix(SHA256)
    named = asked.extensions.persisted_query if asked.extensions else None
    if named is None:
        return None
    if named.version != VERSION:
        message = f"version {named.version} of persisted queries is not known; use {VERSION}"
        raise NotExecutable.because("BAD_USER_INPUT", message)
    return named.hash.lower()


def _check(text: str, name: str) -> None:
    actual = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    if actual != name:
        message = f"the SHA-256 hash of the query is {actual}, not {name[:80]!r}"
        raise NotExecutable.because("BAD_USER_INPUT", message)


class _ApolloOperation(msgspec.Struct):
    id: str
    body: str


class _ApolloManifest(msgspec.Struct):
    format: str
    operations: list[_ApolloOperation]


def read_manifest(file: Path) -> dict[str, str]:
    """Trusted documents by id: `{"id": "text", …}` as graphql-codegen and relay-compiler write them, or a
    manifest of Apollo.  Raises ConfigurationError."""
    try:
        raw: Any = msgspec.json.decode(file.read_bytes())
        if isinstance(raw, dict) and "operations" in raw:
            manifest = msgspec.convert(raw, _ApolloManifest)
            texts = {operation.id: operation.body for operation in manifest.operations}
        else:
            texts = msgspec.convert(raw, dict[str, str])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"documents.manifest: {file}: {error}") from error
    return {name.removeprefix(SHA256): text for name, text in texts.items()}
