"""Finding one thing by its key.

The index is named each time: a plan that was made while a database was empty would scan, and be kept.
"""


def node(variable: str, label: str, key: str = "key") -> str:
    """Cypher that finds the node of a tenant by the key that `key` says; conditions may follow."""
    return (
        f"MATCH ({variable}:{label}) USING INDEX {variable}:{label}(tenant, key) "
        f"WHERE {variable}.tenant = $tenant AND {variable}.key = {key}"
    )


def fact(key: str = "key") -> str:
    """Cypher that finds the fact `f` of a tenant by the key that `key` says; conditions may follow."""
    return (
        "MATCH ()-[f:FACT]->() USING INDEX f:FACT(tenant, key) "
        f"WHERE f.tenant = $tenant AND f.key = {key}"
    )


def provenance(fact: str = "key") -> str:
    """Cypher that finds the nodes `p` of the episodes of a fact; conditions may follow."""
    return (
        "MATCH (p:Provenance) USING INDEX p:Provenance(tenant, fact, episode) "
        f"WHERE p.tenant = $tenant AND p.fact = {fact} AND p.episode IS NOT NULL"
    )
