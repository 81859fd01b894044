"""Asks the server at the URL that is given, through the client that was made: a line of JSON for each answer."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from memory_client import Client, DateTimeRange, SearchFilter, SearchMode
from memory_client.find import FindSearchEdgesNodeEntity

EARLY = datetime(1968, 1, 1, tzinfo=UTC)
SINCE, UNTIL = datetime(1900, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)


async def main(url: str) -> None:
    async with Client(url=url) as client:
        crew = await client.crew(key="mission/apollo-8", valid_at=EARLY)
        entity = crew.snapshot.entity
        assert entity is not None
        assert entity.facts is not None
        print(json.dumps({
            "validAt": crew.snapshot.valid_at.isoformat(),
            "name": entity.name,
            "attributes": entity.attributes,
            "planned": [fact.subject.name for fact in entity.facts.nodes],
        }))  # fmt: skip
        found = await client.find(
            query="Borman",
            mode=SearchMode.KEYWORD,
            filter_=SearchFilter(
                entity_types=["Person"], created_at=DateTimeRange(from_=SINCE, to=UNTIL)
            ),
        )
        for edge in found.search.edges if found.search else []:
            assert isinstance(edge.node, FindSearchEdgesNodeEntity), edge.node
            print(json.dumps({"type": edge.node.typename__, "text": edge.node.name}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
