"""Neo4j: the graph as nodes and relationships, with full text and vectors beside them."""
