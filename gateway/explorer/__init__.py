"""The page in which people explore a memory, and its files.

app/       its source: GraphiQL with panels of our own, TypeScript
assets/    what build.py makes of it: index.html, and assets/ with its files; absent until then
page.html  a plain editor, served where nothing was built
examples/  queries for a memory of which nothing is known; the demo has its own

A page asks nothing of any other machine, and its Content-Security-Policy says so.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from backends.errors import ConfigurationError

HERE = Path(__file__).parent
EXAMPLES = HERE / "examples"
DEMO_EXAMPLES = HERE.parent / "demo" / "examples"
BUILT = HERE / "assets"
PLACEHOLDER = "/*EXAMPLES*/[]"

FOREVER = "public, max-age=31536000, immutable"
"""A file's name has the hash of what is in it."""


class Files(StaticFiles):
    """The page's files; 404 for every one where nothing was built."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be kept by whoever asked for it."""
        response = await super().get_response(path, scope)
        response.headers["x-content-type-options"] = "nosniff"
        if response.status_code < 400:
            response.headers["cache-control"] = FOREVER
        return response

    async def check_config(self) -> None:
        """Nothing: a folder that is not there is no mistake."""


def explorer_page(folder: Path = EXAMPLES) -> HTMLResponse:
    """The page, the example queries of a folder as tabs: the built one if there is one, else the plain one."""
    page, headers = _page(folder)
    return HTMLResponse(page, headers=headers)


def static_files() -> StaticFiles:
    """What serves the page's files, to be mounted at /assets."""
    return Files(BUILT / "assets")


def examples(folder: Path = EXAMPLES) -> list[dict[str, Any]]:
    """The example queries of a folder by file name: a title (the first comment line) and the query.  Raises
    ConfigurationError."""
    try:
        texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.graphql"))]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"explorer.examples: {folder}: {error}") from error
    if not texts:
        raise ConfigurationError(f"explorer.examples: {folder} has no files *.graphql")
    return [{"title": _title(text), "query": text} for text in texts]


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ").partition(":")[0].rstrip(".,")


@cache
def _page(folder: Path) -> tuple[str, dict[str, str]]:
    """A page and its headers."""
    built = BUILT / "index.html"
    template = (built if built.exists() else HERE / "page.html").read_text(encoding="utf-8")
    # Inside <script> only "</" could end the element early.
    tabs = msgspec.json.encode(examples(folder)).decode().replace("</", "<\\/")
    headers = {
        "content-security-policy": _policy(template),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",  # it names the files of its own build
    }
    return template.replace(PLACEHOLDER, tabs), headers


def _policy(page: str) -> str:
    """What a page may do.  The editor writes style elements; of scripts only files and the page's own."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *map(_hash_source, scripts))),
            "connect-src 'self'",
            "worker-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _hash_source(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
