"""The build hook that puts the explorer into the sdist and the wheel, so that whoever installs one needs no Node."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXPLORER = Path("gateway/explorer")


class CustomBuildHook(BuildHookInterface[Any]):
    """Builds the explorer unless it is there: an sdist has it, so a wheel of one is made without Node."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and go on without it where that cannot be done: the gateway then serves its plain page."""
        explorer = Path(self.root) / EXPLORER
        if version == "editable" or (explorer / "assets" / "index.html").exists():
            return
        try:
            # By its path: nothing of the gateway can be imported before it is built.
            runpy.run_path(str(explorer / "build.py"))["build"]()
        except Exception as error:  # noqa: BLE001 - whatever it is, there is a page without it
            self.app.display_warning(
                f"the explorer was not built, the plain page takes its place: {error}"
            )
