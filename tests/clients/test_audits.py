"""GraphQL over HTTP as the authors of its specification audit it: the npm package graphql-http."""

from tests.clients.conftest import Script

AUDITS = {"MUST": 13, "SHOULD": 23, "MAY": 25}
"""How many there are of each weight."""


async def test_every_audit_passes(script: Script, url: str) -> None:
    audits = script("audits.js", url)
    weights = [audit["name"].split()[0] for audit in audits]
    assert {weight: weights.count(weight) for weight in AUDITS} == AUDITS
    assert [audit for audit in audits if audit["status"] != "ok"] == []
