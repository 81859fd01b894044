"""The contestants on Node, in a process of their own (`benchmarks/peers`), installed when they are first
needed."""

import os
import subprocess
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from benchmarks import node
from benchmarks.engine.contestants import Sample
from benchmarks.engine.data import WORKLOADS, Memory

FOLDER = Path(__file__).parent.parent / "peers"


class Measured(msgspec.Struct, frozen=True, rename="camel"):
    """What Node says of some laps."""

    cpu_ms: list[float]
    wall_ms: list[float]
    answer: str | None


class Node:
    """The process, from `start` to the end of the context."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self.versions = ""
        """Of Node and its packages."""

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with self._process:  # closes its input, by which it ends
                pass

    def start(self) -> "list[OnNode]":
        """Install what is missing, and begin.  Raises PackagesMissing."""
        node.install(FOLDER)
        self._process = subprocess.Popen(
            [node.executable(), "main.js"],
            cwd=FOLDER,
            env={**os.environ, "NODE_ENV": "production"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        begun = self.ask({"memory": msgspec.to_builtins(self._memory), "workloads": WORKLOADS})
        packages = ", ".join(f"{name} {version}" for name, version in begun["versions"].items())
        self.versions = f"Node {begun['node']}: {packages}"
        return [OnNode(self, executor) for executor in begun["executors"]]

    def ask(self, question: dict[str, Any]) -> Any:
        """The answer to one line.  Raises RuntimeError if the process has ended."""
        assert self._process is not None
        send, receive = cast(
            "tuple[IO[bytes], IO[bytes]]", (self._process.stdin, self._process.stdout)
        )
        send.write(msgspec.json.encode(question) + b"\n")
        send.flush()
        line = receive.readline()
        if not line:
            raise RuntimeError(f"Node ended with {self._process.wait()}; its errors are above")
        return msgspec.json.decode(line)


class OnNode:
    """One on Node."""

    warm = 300
    """V8 compiles code when it has run often; its own benchmarks warm up for as long."""

    def __init__(self, node: Node, executor: str) -> None:
        self.name = f"Node: {executor}"
        self._executor = executor
        self._node = node

    async def answer(self, workload: str) -> bytes:
        """The answer of one execution."""
        measured = self._measure(workload, 1, 1, is_answer_wanted=True)
        assert measured.answer is not None
        return measured.answer.encode()

    async def measure(self, workload: str, laps: int, executions: int) -> Sample:
        """By the clock of its process, in which nothing else runs meanwhile."""
        measured = self._measure(workload, laps, executions, is_answer_wanted=False)
        return Sample(measured.cpu_ms, measured.wall_ms)

    def _measure(
        self, workload: str, laps: int, executions: int, *, is_answer_wanted: bool
    ) -> Measured:
        question = {
            "executor": self._executor,
            "workload": workload,
            "laps": laps,
            "executions": executions,
            "isAnswerWanted": is_answer_wanted,
        }
        return msgspec.convert(self._node.ask(question), Measured)
