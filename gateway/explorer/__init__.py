"""The page in which people explore a memory: GraphiQL from a CDN, and a plain editor without one."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from starlette.responses import HTMLResponse

EXAMPLES = files("gateway.demo").joinpath("examples")


def explorer_page() -> HTMLResponse:
    """The page, its example queries as tabs."""
    return HTMLResponse(_page())


def examples() -> list[dict[str, Any]]:
    """The example queries, in order: a title (the first comment line) and the query."""
    found = sorted(
        (entry for entry in EXAMPLES.iterdir() if entry.name.endswith(".graphql")),
        key=lambda entry: entry.name,
    )
    texts = [entry.read_text(encoding="utf-8") for entry in found]
    return [{"title": _title(text), "query": text} for text in texts]


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").partition(":")[0].rstrip(".,")


@cache
def _page() -> str:
    template = files("gateway.explorer").joinpath("page.html").read_text(encoding="utf-8")
    # Inside <script> only "</" could end the element early.
    tabs = msgspec.json.encode(examples()).decode().replace("</", "<\\/")
    return template.replace("/*EXAMPLES*/[]", tabs)
