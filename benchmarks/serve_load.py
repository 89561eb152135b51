"""Many browsers watch many jobs: is anything lost, and how long is the way from the journal to the browser?

    python benchmarks/serve_load.py --browsers 50 --jobs 10 --seconds 20

A real server; instead of fits, one process writes the messages of all jobs as a fit does (four a second each, curves of
2,000 points twice a second), with the time in each. Every browser is a WebSocket that watches all jobs; the curves
are fetched as the page does, at most four times a second, by every fifth. Latency: from the line in the journal to the
message in the browser. The server is held to one core, all else to the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from metagenx.serve.jobs import Asked, Jobs
from metagenx.serve.live import Live
from metagenx.serve.plain import numbers

EACH = 0.25


def make_jobs(base: Path, count: int) -> list[Path]:

    jobs = Jobs(base / "served" / "jobs")
    return [
        jobs.add(Asked(f"job{i:02d}", "fit", f"fit {i}", "", time.time() + i, "", "model.hgx"), b"").work
        for i in range(count)
    ]


def write(lives: list[Live], seconds: float, said: dict[str, int]) -> None:
    """What running fits say."""
    x = np.linspace(0.1, 10, 2000)
    curve = {"name": "", "used": True, "n_points": 2000, "x": numbers(x), "y": numbers(np.exp(-x)), "error": numbers(x)}
    for live in lives:
        live.say("start", parameters=[{"name": f"p{i}", "unit": ""} for i in range(12)], bounds=[[0, 1]] * 12)
    begun, step = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        for live in lives:
            spread = [numbers(np.full(12, q)) for q in (0, 0.25, 0.5, 0.75, 1)]
            live.say(
                "generation", run=0, generation=step, evaluations=50 * step, of_run=50 * step, fom=1 / (step + 1),
                fom_of_run=1.0, spread=spread, best=numbers(np.full(12, 0.5)), values=numbers(np.full(12, 0.5)),
                verdict=f"generation {step}", sent=time.time(),
            )  # fmt: skip
            name = live.folder.parent.name
            said[name] = said.get(name, 0) + 1
            if step % 2 == 0:
                fit = numbers(np.exp(-x * (1 + 0.01 * step)))
                sets = [{**curve, "fit": fit, "residual": fit}]
                live.show({"fom": 1.0, "fom_function": "log", "curves": {"x_label": "x", "sets": sets}, "profiles": []})
            time.sleep(EACH / len(lives))
        step += 1
    for live in lives:
        live.say("end", state="finished", verdict="done", level="good")
        live.__exit__(None, None, None)


async def browse(address: str, jobs: list[str], latencies: list[float], heard: dict[str, int], fetches: bool) -> None:
    from websockets.asyncio.client import connect

    ended: set[str] = set()
    async with connect(address.replace("http", "ws") + "/ws/watch", max_size=2**26) as link:
        await link.send(json.dumps({"watch": jobs}))
        fetched = 0.0
        while len(ended) < len(jobs):
            message: dict[str, Any] = json.loads(await asyncio.wait_for(link.recv(), 60))
            now = time.time()
            for one in message.get("messages", ()):
                if one["kind"] == "generation":
                    latencies.append(now - one["sent"])
                    heard[message["job"]] = heard.get(message["job"], 0) + 1
                elif one["kind"] == "end":
                    ended.add(message["job"])
                elif one["kind"] == "curves" and fetches and now - fetched > 0.25:
                    fetched = now
                    await asyncio.to_thread(_fetch, f"{address}/api/jobs/{message['job']}/curves")


def _fetch(url: str) -> None:
    import urllib.request

    urllib.request.urlopen(url, timeout=60).read()


async def measure(address: str, jobs: list[str], browsers: int) -> tuple[list[float], list[dict[str, int]]]:
    latencies: list[float] = []
    heard: list[dict[str, int]] = [{} for _ in range(browsers)]
    await asyncio.gather(*(browse(address, jobs, latencies, heard[i], i % 5 == 0) for i in range(browsers)))
    return latencies, heard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browsers", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="metagenx-load-") as folder:
        base = Path(folder)
        places = make_jobs(base, asked.jobs)
        lives = [Live(place) for place in places]  # they run already, as after a restart of the server
        for live in lives:
            live.say("begun")
        said: dict[str, int] = {}
        server = subprocess.Popen(
            [sys.executable, "-m", "metagenx", "serve", "--port", "0", "--out", str(base), "--json"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            os.sched_setaffinity(server.pid, cores[:1])
            os.sched_setaffinity(0, cores[-1:])
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["url"].rstrip("/")
            writer = threading.Thread(target=write, args=(lives, asked.seconds, said))
            names = [place.parent.name for place in places]
            timer = threading.Timer(3.0, writer.start)  # when all browsers are there
            timer.start()
            latencies, heard = asyncio.run(measure(address, names, asked.browsers))
            writer.join()
        finally:
            server.terminate()
            server.wait(30)
    wanted = sum(said.values()) * asked.browsers
    got = sum(sum(one.values()) for one in heard)
    found = sorted(latencies)
    result = {
        "browsers": asked.browsers, "jobs": asked.jobs, "messages": got, "lost": wanted - got,
        "median_ms": 1000 * statistics.median(found), "p95_ms": 1000 * found[int(0.95 * len(found))],
        "worst_ms": 1000 * found[-1], "load": os.getloadavg()[0],
    }  # fmt: skip
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
