"""The five queries by hand: what a coroutine costs that was written for one query alone.

    answers    a coroutine a query: the reads that it needs, as many at the same time as can be, a dict a
               node, and orjson
    reads      what the coroutines ask of stores
    sql        … of documents, chunks and a graph in tables: one statement a level for all parents
    sqlite     … by aiosqlite from the embedded file, its vectors in numpy
    postgres   … by asyncpg from PostgreSQL, its vectors in pgvector
    graph      … by the neo4j driver, one query a level for all parents
    index      … and from the search indexes there
    memories   the stores of a federation, connected
    compare    whether an answer is the gateway's

Each knows its query, its tenant and how our adapters lay a memory out; it makes the calls that the gateway
makes, at the same time where one needs nothing of another, and reads the columns that the query names and
nothing else.  There is no GraphQL, no record, no loader, no cursor, no limit and no check in it: the floor of
what can be reached with these drivers.

Taken as given, since any such program would have a library for it: the embedder, the words of a question
(`backends.words`, and the expressions that FTS5 and Lucene take), reciprocal rank fusion.  Taken as known:
which kinds have so many vectors that an index finds them, that all chunks have a position, and that Neo4j's
index has enough that passes among the 300 nearest.
"""
