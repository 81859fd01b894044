"""The record cache: whole records by key, between the loaders and the stores that hold them.

    codec     what a record is called in a cache, and its bytes
    guard     a cache that comes and goes, so that nobody waits for it twice
    records   the storing roles, answered from a cache where it has the records

What is kept never depends on a moment: records with all four times, no lists, no gaps, no stand-ins.
"""
