"""The words of a query: plain, whatever store they go to.

Words are runs of letters and digits, accents away, as the stores' own indexes cut them; nothing of any
store's query language is left in them.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
MOST_WORDS = 500
"""Distinct words of a query that are looked up; the rest would add time, not meaning."""


def words_of(query: str) -> list[str]:
    """The distinct words of a query, lower case, in its order."""
    # Accents go first, as in the index: a combining mark is no word character and would cut a word.
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", query.lower()))
    return list(dict.fromkeys(_WORD.findall(plain)))[:MOST_WORDS]
