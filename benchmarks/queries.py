"""Nested queries that ask a whole memory: each crosses several kinds, none names a key."""

QUERIES = {
    "documents → chunks → entities": """{
        documents(first: 20) { nodes { key title
          chunks(first: 5) { nodes { key position text
            entities(first: 3) { nodes { key name type } } } } } } }""",
    "entities → facts → ends, episodes": """{
        entities(first: 20) { nodes { key name
          facts(first: 10) { nodes { key predicate validFrom validTo
            subject { name } object { name }
            episodes(first: 2) { nodes { key name occurredAt } } } } } } }""",
    "two snapshots of neighbours": """{
        then: snapshot(validAt: "2010-01-01T00:00:00Z") { ...people }
        now: snapshot(validAt: "2024-01-01T00:00:00Z") { ...people } }
        fragment people on Snapshot { entities(first: 20) { nodes { id name
          neighbors(first: 5) { totalCount edges { node { id name } facts(first: 2) { predicate } } } } } }""",
    "episodes → document → chunks": """{
        episodes(first: 50) { nodes { key name content occurredAt
          entities(first: 5) { nodes { key name } }
          facts(first: 5, includeInvalidated: true) { nodes { statement } }
          document { title chunks(first: 2) { nodes { text next { key } } } } } } }""",
    "hybrid search, explained": """{
        search(query: "who decided about the new release", first: 20) {
          edges { score matches { method rank } node { __typename
            ... on Chunk { text document { title } entities(first: 3) { nodes { name } } }
            ... on Entity { name facts(first: 3) { nodes { statement } } }
            ... on Fact { statement subject { name } object { name } }
            ... on Episode { content occurredAt }
            ... on Document { title } } } } }""",
}
