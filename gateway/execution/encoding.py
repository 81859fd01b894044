"""Answers as bytes: msgspec writes the objects that columns were built into.

msgspec and Python's json agree on everything that an answer can hold but for what JSON itself lacks:
NaN and infinities in a value of the application are null.  A lone surrogate, which UTF-8 has no bytes for,
is escaped.
"""

import json
from math import isfinite
from typing import Any, cast

import msgspec

_encoder = msgspec.json.Encoder()


def encode(answer: Any) -> bytes:
    """JSON in UTF-8.  Raises TypeError for what is no JSON value."""
    try:
        return _encoder.encode(answer)
    except UnicodeEncodeError:
        return json.dumps(_finite(msgspec.to_builtins(answer)), separators=(",", ":")).encode()


def _finite(value: Any) -> Any:
    """The value with null for what is no number of JSON, as msgspec has it."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_finite(each) for each in cast("list[Any]", value)]
    return None if isinstance(value, float) and not isfinite(value) else value
