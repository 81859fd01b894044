"""The pictures of the explorer in docs/: `python -m tests.explorer.shots` takes them anew."""

import asyncio
import tempfile
from pathlib import Path

from tests.explorer.conftest import TABS
from tests.explorer.driver import driver
from tests.support import DEMO, ROOT, fill, serving


async def main() -> None:
    """Writes explorer.png, the nested example beside its waterfall, and explorer-graph.png."""
    with tempfile.TemporaryDirectory() as folder, driver() as script:
        database = Path(folder) / "memory.db"
        await fill(database, DEMO)
        async with serving(database, http={"trace": True}, explorer=TABS) as url:
            told = await script("shots.js", url, str(ROOT / "docs"))
    for name in ("explorer", "explorer-graph"):
        print(told[name])


if __name__ == "__main__":
    asyncio.run(main())
