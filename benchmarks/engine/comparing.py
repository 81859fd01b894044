"""Whether all contestants give the same answer."""

import json
from collections.abc import Mapping

from benchmarks.by_hand.compare import difference


def differences(answers: Mapping[str, bytes], reference: str) -> list[str]:
    """What differs from the answer of `reference`, a line for each that differs: the order of keys counts."""
    expected = _plain(answers[reference])
    found = ((name, difference(_plain(answer), expected)) for name, answer in answers.items())
    return [f"{name}: {what}" for name, what in found if what is not None]


def _plain(answer: bytes) -> bytes:
    """An answer with every number as a float: JSON has one sort of number, and Node writes 1.0 as 1."""
    return json.dumps(json.loads(answer, parse_int=float)).encode()
