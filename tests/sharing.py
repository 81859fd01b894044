"""The tests shared out to the workers: those that need the same costly thing go to one, the long ones first.

pytest-xdist's own groups are lost on pytest 9.2 and later, whose ids of tests no longer change.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

GRAPH = (
    "test_neo4j_search",
    "neo4j",
    "peps federation",
    "federation",
    "test_neo4j",
    "test_federation",
)
"""Groups that need Neo4j: one worker begins with them, so that there is one server, which is slow at first.

The first looks closely at the indexes of vectors, which are of all tenants: it finds them empty.
"""

LONG = (
    "sqlite",
    "test_copy",
    "test_cli",
    "pgbouncer",
    "postgres",
    "peps embedded",
    "peps postgres",
)
"""Other groups that take long, the longest last: the other workers begin with them, from the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups of one worker first and those of the others last; within a group the order stays."""
    rank = {group: place - len(GRAPH) for place, group in enumerate(GRAPH)}
    rank |= {group: place for place, group in enumerate(LONG, start=1)}
    items.sort(key=lambda item: rank.get(group_of(item), 0))


def group_of(item: pytest.Item) -> str:
    """Tests of one group share what is made for a whole session, or for a file."""
    given = getattr(item, "callspec", None)
    parameters: dict[str, Any] = given.params if given else {}
    federation = parameters.get("federation_config")
    if item.get_closest_marker("peps"):
        return f"peps {federation or 'embedded'}"
    return parameters.get("adapter") or federation or item.path.stem


# A worker knows the group of a test, the controller only its id: each worker writes the groups to a file.

_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of the controller: tell a worker where."""
    node.workerinput["groups"] = str(_folder(node.config) / node.gateway.id)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Of a worker: write them, before the controller is told that all tests are known."""
    given = getattr(session.config, "workerinput", {}).get("groups")
    if given is not None:
        Path(given).write_text(json.dumps({each.nodeid: group_of(each) for each in session.items}))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Of the controller: hand out whole groups, in the order of the tests."""
    return Groups(config, log) if config.getoption("dist") == "loadgroup" else None


class Groups(LoadScopeScheduling):
    """Hands out groups of tests as the workers named them."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._groups: dict[str, str] = {}

    def schedule(self) -> None:
        for file in _folder(self.config).iterdir():
            self._groups |= json.loads(file.read_text())
        super().schedule()

    def _assign_work_unit(self, node: Any) -> None:
        """The first worker takes the first group that is left, any other the last: they meet where the
        groups are small."""
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        return self._groups[nodeid]


def _folder(config: pytest.Config) -> Path:
    """The controller's, for as long as it runs."""
    if _FOLDER not in config.stash:
        made = TemporaryDirectory(prefix="groups-")
        config.add_cleanup(made.cleanup)
        config.stash[_FOLDER] = Path(made.name)
    return config.stash[_FOLDER]
