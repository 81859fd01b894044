"""Whether two answers are the same: every key in its order, every value in its type."""

from typing import Any

import orjson


def difference(ours: bytes, by_hand: bytes) -> str | None:
    """Where two answers first differ, with both values; `None` where they do not."""
    return _first(orjson.loads(ours)["data"], orjson.loads(by_hand)["data"], "data")


def _first(ours: Any, theirs: Any, path: str) -> str | None:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if list(ours) != list(theirs):
            return f"{path}: the keys are {list(ours)}, by hand {list(theirs)}"
        parts = ((f"{path}.{key}", ours[key], theirs[key]) for key in ours)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path}: there are {len(ours)}, by hand {len(theirs)}"
        pairs = enumerate(zip(ours, theirs, strict=True))
        parts = ((f"{path}[{place}]", mine, their) for place, (mine, their) in pairs)
    elif type(ours) is type(theirs) and ours == theirs:
        return None
    else:
        return f"{path}: {str(ours)[:80]!r}, by hand {str(theirs)[:80]!r}"
    found = (_first(mine, their, place) for place, mine, their in parts)
    return next((each for each in found if each is not None), None)
