"""Writing records to every role that holds or indexes them, batch by batch.

    records → their store → search indexes (text, then vectors) → what depends on them

Where one store plays it all, a batch is one transaction.  Where several do, the record's store comes
first, and every index of a batch is checked even for records that have not changed: running the same
load again repairs what an interruption left.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from backends.federation import Federation
from backends.ingest.entries import (
    chunk_entry,
    document_entry,
    entity_entry,
    episode_entry,
    fact_entry,
    text_digest,
)
from backends.ingest.interchange import Loaded
from backends.moment import ALL_TIME
from backends.records import (
    Chunk,
    Document,
    Entity,
    Episode,
    Fact,
    Fields,
    Kind,
    Mention,
    Outcome,
    PageRequest,
    Scope,
    SearchEntry,
)
from backends.roles import Vector
from backends.vectors import unit

R = TypeVar("R")

Tally = Counter[tuple[str, Outcome]]
"""How many records of each sort (`document` …, `mention`) had each outcome."""

_EVERYTHING = 1_000_000


def all_fields(record: type[msgspec.Struct]) -> Fields:
    """Every attribute of a record type."""
    return frozenset(field.name for field in msgspec.structs.fields(record))


class Writer:
    """Writes batches into a federation for one tenant."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        self._to = federation
        self._scope = scope
        self._vectors: dict[str, Vector | None] = {}
        self._known: Mapping[str, Vector] = {}

    def know(self, vectors: Mapping[str, Vector]) -> None:
        """Vectors of the embedder's space, by the digest of their text: in the next batch these texts
        are not embedded."""
        self._known = vectors

    async def write(self, records: Sequence[Loaded], whole_documents: Iterable[str] = ()) -> Tally:
        """Write a batch; the last record of a key wins.  `whole_documents` are to have no chunks but
        those in the batch."""
        await self._embed_ahead(records)
        async with self._to.batch():
            tally = await self._write(records, list(whole_documents))
        self._vectors.clear()
        return tally

    async def _write(self, records: Sequence[Loaded], whole: Sequence[str]) -> Tally:
        to, scope = self._to, self._scope
        documents, chunks = _only(records, Document), _only(records, Chunk)
        entities, facts = _only(records, Entity), _only(records, Fact)
        episodes, mentions = _only(records, Episode), _only(records, Mention)
        resourced = await self._resourced(documents)
        renamed = await self._renamed(entities)
        tally: Tally = Counter()
        for name, role, written in (
            ("document", to.documents, documents),
            ("chunk", to.chunks, chunks),
            ("entity", to.entities, entities),
            ("fact", to.facts, facts),
            ("episode", to.episodes, episodes),
        ):
            if written:
                outcomes = await role.upsert_many(scope, written)  # pyright: ignore[reportArgumentType]
                tally.update((name, outcome) for outcome in outcomes)
        await to.mentions.note_texts(scope, documents, chunks)
        if mentions:
            outcomes = await to.mentions.upsert_many(scope, mentions)
            tally.update(("mention", outcome) for outcome in outcomes)
        await self._replace_chunks(whole, chunks)
        await self._index(
            [
                *await self._chunk_entries(chunks, resourced),
                *(entity_entry(record) for record in _last(entities)),
                *(episode_entry(record) for record in _last(episodes)),
                *await self._fact_entries(facts, renamed),
            ]
        )
        await self._index_documents(documents, chunks)
        return tally

    async def _replace_chunks(self, whole: Sequence[str], chunks: Sequence[Chunk]) -> None:
        """Take away the chunks that a text loaded again no longer has."""
        if not whole:
            return
        kept: dict[str, list[str]] = {key: [] for key in whole}
        for chunk in chunks:
            if chunk.document_key in kept:
                kept[chunk.document_key].append(chunk.key)
        gone = await self._to.chunks.keep_only(self._scope, kept)
        if gone:
            await self._to.mentions.forget_chunks(self._scope, gone)
            for role in (self._to.keywords, self._to.vectors):
                if Kind.CHUNK in role:
                    await role[Kind.CHUNK].remove_many(self._scope, Kind.CHUNK, gone)

    # What depends on what: a chunk's source is its document's, a blank fact's text its entities' names.

    async def _resourced(self, documents: Sequence[Document]) -> list[str]:
        """The documents whose source is not what the index of their chunks says."""
        keys = [record.key for record in documents]
        if not keys:
            return []
        before = await self._to.documents.get_many(self._scope, keys, frozenset({"source"}))
        return [
            record.key
            for record, old in zip(documents, before, strict=True)
            if record.source != (old.source if old else None)
        ]

    async def _renamed(self, entities: Sequence[Entity]) -> list[str]:
        """The entities whose name is not what the index of facts says."""
        keys = [record.key for record in entities]
        if not keys:
            return []
        named = await self._names(keys)
        return [record.key for record in entities if record.name != named[record.key]]

    async def _names(self, keys: Sequence[str]) -> dict[str, str]:
        """The names of entities by key; its key for one that nobody loaded."""
        fields = frozenset({"name"})
        found = await self._to.entities.get_many(self._scope, keys, ALL_TIME, fields)
        return {
            key: record.name if record else key for key, record in zip(keys, found, strict=True)
        }

    async def _chunk_entries(
        self, chunks: Sequence[Chunk], resourced: Sequence[str]
    ) -> list[SearchEntry]:
        page = PageRequest(first=_EVERYTHING)
        pages = (
            await self._to.chunks.of_documents(self._scope, resourced, page, all_fields(Chunk))
            if resourced
            else []
        )
        touched = _last([*(chunk for each in pages for chunk in each.items), *chunks])
        parents = list({chunk.document_key for chunk in touched} - {None})
        keys = [key for key in parents if key is not None]
        found = (
            await self._to.documents.get_many(self._scope, keys, frozenset({"source"}))
            if keys
            else []
        )
        sources = {record.key: record.source for record in found if record}
        return [chunk_entry(chunk, sources.get(chunk.document_key or "")) for chunk in touched]

    async def _fact_entries(
        self, facts: Sequence[Fact], renamed: Sequence[str]
    ) -> list[SearchEntry]:
        blank: list[Fact] = []
        if renamed:
            keys = await self._to.facts.unstated_of(self._scope, renamed)
            found = await self._to.facts.get_many(self._scope, keys, all_fields(Fact))
            blank = [fact for fact in found if fact]
        touched = _last([*blank, *facts])
        ends = {
            key
            for fact in touched
            if fact.statement is None
            for key in (fact.subject_key, fact.object_key)
        }
        names = await self._names(list(ends)) if ends else {}
        return [fact_entry(fact, names) for fact in touched]

    # The indexes

    async def _index(self, entries: Sequence[SearchEntry]) -> None:
        for kind in dict.fromkeys(entry.kind for entry in entries):
            chosen = [entry for entry in entries if entry.kind is kind]
            if kind in self._to.keywords:
                await self._to.keywords[kind].index_many(self._scope, chosen)
            if kind in self._to.vectors:
                await self._index_vectors(kind, chosen)

    async def _index_vectors(self, kind: Kind, entries: Sequence[SearchEntry]) -> None:
        digests = [text_digest(entry.text) for entry in entries]
        there = await self._to.vectors[kind].digests(
            self._scope, kind, [entry.key for entry in entries]
        )
        stale = [
            entry.text
            for entry, digest, before in zip(entries, digests, there, strict=True)
            if digest != before
        ]
        made = await self._embed(stale)
        vectors = [
            None if digest == before else made[entry.text]
            for entry, digest, before in zip(entries, digests, there, strict=True)
        ]
        await self._to.vectors[kind].index_many(
            self._scope, entries, vectors, digests, self._to.embedder.space
        )

    async def _index_documents(
        self, documents: Sequence[Document], chunks: Sequence[Chunk]
    ) -> None:
        """Index documents; the vector of each is the normalised mean of its title's and its chunks'."""
        keys = dict.fromkeys(
            [*(d.key for d in documents), *(c.document_key for c in chunks if c.document_key)]
        )
        if not keys:
            return
        found = await self._to.documents.get_many(self._scope, list(keys), all_fields(Document))
        records = [record for record in found if record]
        entries = [document_entry(record) for record in records]
        if not entries:
            return
        if Kind.DOCUMENT in self._to.keywords:
            await self._to.keywords[Kind.DOCUMENT].index_many(self._scope, entries)
        if Kind.DOCUMENT in self._to.vectors:
            parts = await self._parts(records)
            await self._to.vectors[Kind.DOCUMENT].index_many(
                self._scope,
                entries,
                [_mean(vectors) for vectors in parts],
                [text_digest(",".join(map(_vector_digest, vectors))) for vectors in parts],
                self._to.embedder.space,
            )

    async def _parts(self, records: Sequence[Document]) -> list[list[Vector]]:
        """The vectors of each document's title and chunks."""
        titles = await self._embed([record.title for record in records if record.title])
        pages = await self._to.chunks.of_documents(
            self._scope,
            [record.key for record in records],
            PageRequest(first=_EVERYTHING),
            frozenset(),
        )
        keys = [chunk.key for page in pages for chunk in page.items]
        vectors: dict[str, Vector | None] = {}
        if keys and Kind.CHUNK in self._to.vectors:
            found = await self._to.vectors[Kind.CHUNK].get_many(self._scope, Kind.CHUNK, keys)
            vectors = dict(zip(keys, found, strict=True))
        parts: list[list[Vector]] = []
        for record, page in zip(records, pages, strict=True):
            own = [titles.get(record.title or ""), *(vectors.get(c.key) for c in page.items)]
            parts.append([vector for vector in own if vector is not None])
        return parts

    # Embedding

    async def _embed(self, texts: Sequence[str]) -> dict[str, Vector | None]:
        """The vector of each text; a text is embedded once a batch."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors |= {text: self._known.get(text_digest(text)) for text in new}
        usable = [text for text in new if text.strip() and self._vectors[text] is None]
        made = await self._to.embedder.embed(usable) if usable else []
        self._vectors |= dict(zip(usable, made, strict=True))
        return {text: self._vectors[text] for text in texts}

    async def _embed_ahead(self, records: Sequence[Loaded]) -> None:
        """Embed what the batch will need before anything is locked."""
        entries = [
            *(chunk_entry(record, None) for record in _last(_only(records, Chunk))),
            *(entity_entry(record) for record in _last(_only(records, Entity))),
            *(episode_entry(record) for record in _last(_only(records, Episode))),
            *(
                fact_entry(record, {})
                for record in _last(_only(records, Fact))
                if record.statement is not None
            ),
        ]
        needed: list[str] = []
        for kind in dict.fromkeys(entry.kind for entry in entries):
            if kind not in self._to.vectors:
                continue
            chosen = [entry for entry in entries if entry.kind is kind]
            there = await self._to.vectors[kind].digests(
                self._scope, kind, [entry.key for entry in chosen]
            )
            needed += [
                entry.text
                for entry, before in zip(chosen, there, strict=True)
                if before != text_digest(entry.text)
            ]
        titles = [record.title for record in _only(records, Document) if record.title]
        await self._embed([*needed, *titles])


def _only(records: Sequence[Loaded], sort: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, sort)]


def _last(records: Sequence[R]) -> list[R]:
    """The last record of each key."""
    return list({record.key: record for record in records}.values())  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownArgumentType]


def _mean(vectors: Sequence[Vector]) -> Vector | None:
    """The normalised mean, `None` of nothing."""
    return unit(np.sum(np.stack(vectors), axis=0, dtype=np.float64)) if vectors else None


def _vector_digest(vector: Vector) -> str:
    return text_digest(vector.tobytes().hex())
