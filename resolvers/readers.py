"""How records of each kind are read: which attributes the fields of their type need."""

import msgspec

from backends import records
from backends.records import Fields, Kind
from resolvers.context import Info
from resolvers.listing import Sorting
from resolvers.selection import NODES, Columns, columns, selected


class Reader(msgspec.Struct, frozen=True):
    """The record of a kind, and the fields of its type that need other attributes than their own."""

    record: type[msgspec.Struct]
    columns: Columns

    def fields(self, info: Info, *paths: tuple[str, ...]) -> Fields:
        """The attributes that a selection needs: beneath the field itself, or at the paths."""
        names = selected(info, *paths, on=self.record.__name__)
        return columns(self.record, names, self.columns)

    def page_fields(self, info: Info, sorting: Sorting) -> Fields:
        """The attributes that a connection field's selection needs, those of its cursors too."""
        needed = self.fields(info, *NODES)
        cursors = selected(info, ("edges",), ("pageInfo",)) & {"cursor", "startCursor", "endCursor"}
        return needed | {sorting.attribute} if cursors and sorting.attribute else needed


READERS: dict[Kind, Reader] = {
    Kind.CHUNK: Reader(records.Chunk, {"document": ("document_key",)}),
    Kind.DOCUMENT: Reader(records.Document, {}),
    Kind.ENTITY: Reader(records.Entity, {}),
    Kind.EPISODE: Reader(records.Episode, {"document": ("document_key",)}),
    Kind.FACT: Reader(records.Fact, {"subject": ("subject_key",), "object": ("object_key",)}),
}
