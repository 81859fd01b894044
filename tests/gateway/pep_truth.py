"""What is true in the lines of the PEP memory, worked out in plain Python without the project."""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Line = dict[str, Any]
Keep = Callable[[Line], bool]

PLAIN = ("key", "predicate", "statement", "validFrom", "validTo", "recordedAt", "retractedAt")

LISTS: list[tuple[str, str, list[str], Keep, str]] = [
    ("documents", 'filter: {titleContains: "TYPE"}, orderBy: {by: TITLE, direction: DESC}', [],
     lambda d: "type" in d["title"].lower(), "-title"),
    ("documents", 'filter: {createdAt: {from: "2005-05-04T00:00:00Z", '
     'to: "2008-01-01T00:00:00Z"}}, orderBy: {by: UPDATED_AT}', [],
     lambda d: "2005-05-04T00:00:00Z" <= d["createdAt"] < "2008-01-01T00:00:00Z", "updatedAt"),
    ("documents", "orderBy: {by: CREATED_AT, direction: DESC}", [], lambda d: True, "-createdAt"),
    ("documents", 'filter: {metadata: [{path: "Type", equals: "Process"}]}', [],
     lambda d: d["metadata"]["Type"] == "Process", "key"),
    ("documents", 'filter: {metadata: [{path: "Status", in: ["Final", "Accepted"]}, '
     '{path: "Python-Version", exists: true}, {path: "Topic", exists: false}]}', [],
     lambda d: d["metadata"]["Status"] in ("Final", "Accepted")
     and "Python-Version" in d["metadata"] and "Topic" not in d["metadata"], "key"),
    ("documents", 'filter: {metadata: [{path: "Superseded-By", exists: true}], '
     'sources: ["peps"]}', [],
     lambda d: "Superseded-By" in d["metadata"], "key"),
    ("chunks", 'filter: {metadata: [{path: "section", equals: "Rationale"}]}', [],
     lambda c: c["metadata"]["section"] == "Rationale", "key"),
    ("chunks", 'filter: {documents: $ids, '
     'metadata: [{path: "section", in: ["Abstract", "Copyright"]}]}',
     ["pep-0572", "pep-0008", "pep-0484"],
     lambda c: c["document"] in ("pep-0572", "pep-0008", "pep-0484")
     and c["metadata"]["section"] in ("Abstract", "Copyright"), "key"),
    ("entities", "", [], lambda e: True, "name"),
    ("entities", 'filter: {types: ["Person", "Topic"], nameContains: "VAN"}', [],
     lambda e: e["type"] in ("Person", "Topic") and "van" in e["name"].lower(), "name"),
    ("entities", 'filter: {types: ["Release"]}, orderBy: {by: NAME, direction: DESC}', [],
     lambda e: e["type"] == "Release", "-name"),
    ("facts", "filter: {objects: $ids}, orderBy: {by: RECORDED_AT, direction: DESC}",
     ["status:rejected", "status:deferred"],
     lambda f: f["object"] in ("status:rejected", "status:deferred"), "-recordedAt"),
    ("facts", 'filter: {subjects: $ids, predicates: ["HAS_STATUS", "TARGETS"], '
     'validFrom: {from: "2018-07-08T01:50:57Z"}}', ["pep-0517", "pep-0484", "pep-0572"],
     lambda f: f["subject"] in ("pep-0517", "pep-0484", "pep-0572")
     and f["predicate"] in ("HAS_STATUS", "TARGETS") and f["validFrom"] >= "2018-07-08T01:50:57Z",
     "validFrom"),
    ("episodes", 'filter: {kinds: [MESSAGE], occurredAt: {from: "2018-01-01T00:00:00Z"}}', [],
     lambda e: e["episodeKind"] == "MESSAGE" and e["occurredAt"] >= "2018-01-01T00:00:00Z",
     "occurredAt"),
    ("episodes", 'filter: {sources: ["git"]}, orderBy: {by: RECORDED_AT, direction: DESC}', [],
     lambda e: e["source"] == "git", "-recordedAt"),
]  # fmt: skip
"""Lists: field, arguments, keys that `$ids` stands for, the lines kept, and by what in order."""


class At(NamedTuple):
    """When it must hold in the world, and what the memory knew then."""

    valid: str
    known: str


class Truth:
    """The lines of a folder, and questions to them; answers are lines in the order of the API."""

    def __init__(self, folder: Path) -> None:
        lines: dict[str, list[Line]] = defaultdict(list)
        for file in sorted(folder.glob("*.jsonl.gz")):
            with gzip.open(file, "rt", encoding="utf-8") as text:
                for line in map(json.loads, text):
                    lines[line["kind"]].append(line)
        self.documents = by_key(lines["document"])
        self.chunks = by_key(lines["chunk"])
        self.entities = by_key(lines["entity"])
        self.facts = by_key(lines["fact"])
        self.episodes = by_key(lines["episode"])
        self.chunks_of = grouped(lines["chunk"], "document")
        self.mentioned_by = grouped(lines["mention"], "chunk", "episode")
        self.mentions_of = grouped(lines["mention"], "entity")
        self.facts_of = grouped(lines["fact"], "subject", "object")

    def facts_at(
        self,
        at: At,
        about: str | None = None,
        *,
        direction: str = "BOTH",
        predicates: Collection[str] | None = None,
        every: bool = False,
    ) -> list[Line]:
        """Facts as known then, that hold then or every one; of an entity or of the whole memory."""
        ends = {"OUT": ("subject",), "IN": ("object",), "BOTH": ("subject", "object")}[direction]
        lines = self.facts.values() if about is None else self.facts_of[about]
        asked = [
            line
            for line in lines
            if (predicates is None or line["predicate"] in predicates)
            and (about is None or about in [line[end] for end in ends])
        ]
        known = [fact for line in asked if (fact := as_known(line, at.known))]
        return by_time(
            [fact for fact in known if every or holds(fact, at.valid)], "validFrom", "key"
        )

    def status_at(self, at: At, pep: str, *, every: bool = False) -> list[Line]:
        return self.facts_at(at, pep, direction="OUT", predicates=["HAS_STATUS"], every=every)

    def statuses(self, pep: str) -> list[Line]:
        """All that a proposal ever had, with their ends."""
        return by_time(
            [
                f
                for f in self.facts_of[pep]
                if f["subject"] == pep and f["predicate"] == "HAS_STATUS"
            ],
            "validFrom",
            "key",
        )

    def neighbors_at(self, at: At, of: str, **asked: Any) -> dict[str, list[Line]]:
        """The other ends by key, each with the facts between."""
        found: dict[str, list[Line]] = defaultdict(list)
        for fact in self.facts_at(at, of, **asked):
            other = fact["object"] if fact["subject"] == of else fact["subject"]
            if other != of:
                found[other].append(fact)
        return dict(sorted(found.items()))

    def distances(
        self, at: At, start: Iterable[str], farthest: int, **asked: Any
    ) -> dict[str, int]:
        """Breadth first: how many facts away each entity is that is near enough."""
        far = dict.fromkeys(start, 0)
        front = list(far)
        for distance in range(1, farthest + 1):
            reached = {key for one in front for key in self.neighbors_at(at, one, **asked)}
            front = sorted(reached - far.keys())
            far |= dict.fromkeys(front, distance)
        return far

    def path_at(
        self, at: At, start: str, goal: str, longest: int, **asked: Any
    ) -> tuple[list[str], list[str]] | None:
        """The entities and facts of the shortest path that has the smallest keys in turn."""
        left = self.distances(at, [goal], longest, **asked)
        if start not in left:
            return None
        entities, facts = [start], []
        while entities[-1] != goal:
            here = entities[-1]
            joined = self.neighbors_at(at, here, **asked)
            step = min(key for key in joined if left.get(key) == left[here] - 1)
            entities.append(step)
            facts.append(joined[step][0]["key"])
        return entities, facts

    def subgraph_at(
        self, at: At, around: list[str], depth: int, limit: int, **asked: Any
    ) -> tuple[list[str], list[str], bool]:
        """The nearest entities, the facts among them, and whether anything was left out."""
        far = self.distances(at, around, depth, **asked)
        nearest = sorted(far, key=lambda key: (far[key], key))
        kept = set(nearest[:limit])
        among = [
            fact["key"]
            for fact in self.facts_at(at, **asked)
            if fact["subject"] in kept and fact["object"] in kept
        ]
        truncated = len(nearest) > limit or len(among) > 10 * limit
        return nearest[:limit], among[: 10 * limit], truncated

    def episodes_at(self, known: str, **having: Any) -> list[Line]:
        """Episodes heard of by then, with these values."""
        seen = [each for each in self.episodes.values() if at_or_before(each["recordedAt"], known)]
        return by_time([each for each in seen if has(each, having)], "occurredAt", "key")

    def chunks_about(self, entity: str) -> list[str]:
        return sorted({line["chunk"] for line in self.mentions_of[entity] if "chunk" in line})

    def episodes_about(self, entity: str) -> list[str]:
        keys = {line["episode"] for line in self.mentions_of[entity] if "episode" in line}
        found = by_time([self.episodes[key] for key in keys], "occurredAt", "key")
        return [line["key"] for line in found]

    def documents_about(self, entity: str) -> list[str]:
        return sorted({self.chunks[key]["document"] for key in self.chunks_about(entity)})

    def entities_in(self, texts: Iterable[str], types: Collection[str] | None = None) -> list[str]:
        """Entities that any of the chunks or episodes mentions, by name, key."""
        keys = {line["entity"] for text in texts for line in self.mentioned_by[text]}
        found = [self.entities[key] for key in keys]
        named = sorted(found, key=lambda line: (line["name"], line["key"]))
        return [line["key"] for line in named if types is None or line["type"] in types]

    def sources(self, fact: Line) -> list[Line]:
        return by_time([self.episodes[key] for key in fact["episodes"]], "occurredAt", "key")

    def chunks_in(self, document: str) -> list[Line]:
        """By position, key."""
        return sorted(self.chunks_of[document], key=lambda line: (line["position"], line["key"]))

    def first_chunks(self, document: str) -> Line:
        """A document with its first two chunks and what they mention."""
        chunks = keys(self.chunks_in(document)[:2])
        found = [{"key": key, "entities": named(self.entities_in([key])[:20])} for key in chunks]
        return {"key": document, "chunks": {"nodes": found}}

    def provenance(self, episode: str) -> Line:
        """An episode, the facts drawn from it, and its document with the first four chunks."""
        line = self.episodes[episode]
        document, chunks = self.documents[line["document"]], self.chunks_in(line["document"])
        drawn = [fact for fact in self.facts.values() if episode in fact["episodes"]]
        pieces = [
            picked(chunk, "key", "text")
            | {"document": {"key": document["key"]}}
            | {"entities": named(self.entities_in([chunk["key"]], ["Person"]))}
            for chunk in chunks[:4]
        ]
        return picked(line, "key", "content") | {
            "entities": named(self.entities_in([episode])),
            "facts": {"nodes": shown(by_time(drawn, "validFrom", "key"))},
            "document": picked(document, "key", "title")
            | {"chunks": {"totalCount": len(chunks), "nodes": pieces}},
        }


def as_known(line: Line, known: str) -> Line | None:
    """A fact as the memory knew it: unheard of, without the end that it had yet to learn, whole."""
    if line["recordedAt"] and not at_or_before(line["recordedAt"], known):
        return None
    if line["retractedAt"] and not at_or_before(line["retractedAt"], known):
        return line | {"validTo": None, "retractedAt": None}
    return line


def holds(fact: Line, valid: str) -> bool:
    begin, end = fact["validFrom"], fact["validTo"]
    if fact["retractedAt"] and not end:
        return False
    return (not begin or at_or_before(begin, valid)) and not (end and at_or_before(end, valid))


@cache
def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@cache
def at_or_before(one: str, other: str) -> bool:
    return instant(one) <= instant(other)


def just_before(text: str) -> str:
    """A microsecond earlier."""
    return (instant(text) - timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")


def by_time(lines: list[Line], time: str, then: str) -> list[Line]:
    """Ordered by a time and a second field; the time must be there."""
    return sorted(lines, key=lambda line: (instant(line[time]), line[then]))


def by_key(lines: list[Line]) -> dict[str, Line]:
    return {line["key"]: line for line in sorted(lines, key=lambda line: line["key"])}


def grouped(lines: list[Line], *fields: str) -> dict[str, list[Line]]:
    """Lines under each value that any of the fields has."""
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        for value in {line[field] for field in fields if field in line}:
            groups[value].append(line)
    return groups


def has(line: Line, values: Line) -> bool:
    return all(line.get(name) == value for name, value in values.items())


def keys(lines: Iterable[Line]) -> list[str]:
    return [line["key"] for line in lines]


def picked(line: Line, *fields: str) -> Line:
    return {field: line[field] for field in fields}


def named(found: list[str]) -> Line:
    """A page of things of which only the keys are asked."""
    return {"nodes": [{"key": key} for key in found]}


def shown(facts: list[Line]) -> list[Line]:
    """Facts as an answer shows them."""
    return [
        picked(fact, *PLAIN) | {end: {"key": fact[end]} for end in ("subject", "object")}
        for fact in facts
    ]


def chained(nodes: list[Line]) -> bool:
    """Whether each names the one before it, which names it, and the one after."""
    return all(
        node["previous"] == (before and {"key": before["key"], "next": {"key": node["key"]}})
        and node["next"] == (after and {"key": after["key"]})
        for before, node, after in zip([None, *nodes[:-1]], nodes, [*nodes[1:], None], strict=True)
    )
