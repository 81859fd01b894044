"""The load generator wrk, Debian's: so many connections, each asking again as soon as it is answered."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

CONNECTIONS = 16
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}

SCRIPT = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["accept"] = "application/json"
{headers}
wrk.body = {body}
function done(summary, latency, requests)
  io.write(string.format("p99us %d\\nstatus %d\\nsocket %d\\n", latency:percentile(99),
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


class Load(msgspec.Struct, frozen=True):
    """What a server bore."""

    per_second: float
    p99: float
    """Milliseconds."""


class WrkMissing(Exception):
    """wrk is not installed."""


def load(url: str, query: str, headers: Mapping[str, str], seconds: int, folder: Path) -> Load:
    """Ask a query for so many seconds.  Raises WrkMissing, and RuntimeError if an answer was an error."""
    program = shutil.which("wrk")
    if program is None:
        raise WrkMissing("wrk is not installed; apt-get install wrk")
    script = folder / "ask.lua"
    body = json.dumps({"query": query})
    sent = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    script.write_text(SCRIPT.format(body=json.dumps(body), headers=sent))
    done = subprocess.run(
        [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout
    if "status 0\nsocket 0" not in said:
        raise RuntimeError(f"{url} did not answer every request:\n{said}")
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"p99us (\d+)", said)
    assert per_second is not None, said
    assert p99 is not None, said
    return Load(float(per_second[1]), int(p99[1]) / 1_000)
