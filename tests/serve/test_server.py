"""The whole way over the API: a real server, its confined processes, a real fit; restarts and aliases."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from served_here import FILM, Served
from websockets.sync.client import connect

import metagenx
from metagenx.serve.server import find_server


def test_look_is_what_inspect_says(served: Served, film: str) -> None:
    status, found = served.ask("GET", f"/api/files/{film}")
    assert status == 200
    from metagenx.genx.audit import audit

    expected = audit(metagenx.load(FILM)).to_json()
    for changing in ("microseconds_per_evaluation",):
        expected.pop(changing), found["audit"].pop(changing)
    assert found["audit"] == json.loads(json.dumps(expected))
    assert [row["name"] for row in found["rows"] if row["fit"]] == list(expected["fitted"])
    layers = found["layers"]
    assert layers["substrate"]["name"] == "Sub"
    assert layers["ambient"]["name"] == "Amb"
    names = [layer["name"] for stack in layers["stacks"] for layer in stack["layers"]]
    assert all(f" {name} " in f" {expected['sample']} ".replace("[", " ") for name in names)
    curves = found["curves"]["sets"][0]
    assert curves["n_points"] == len(curves["x"]) == len(curves["fit"]) == 391


def test_simulate_and_plan_with_other_values(served: Served, film: str) -> None:
    _, look = served.ask("GET", f"/api/files/{film}")
    row = next(row for row in look["rows"] if row["fit"])
    other = 0.5 * (row["min"] + row["max"])
    status, found = served.ask(
        "POST", f"/api/files/{film}/simulate", {"rows": [{"index": row["index"], "value": other}]}
    )
    assert status == 200
    expected = metagenx.load(FILM).fom(values={row["name"]: other})
    assert abs(found["fom"] - expected) < 1e-9 * expected
    status, found = served.ask("POST", f"/api/files/{film}/simulate", {"rows": [{"index": 999, "value": 1.0}]})
    assert status == 400
    assert "no row" in found["error"]["message"]
    outside = [{"index": row["index"], "value": row["max"] + 1.0}]
    status, found = served.ask("POST", "/api/jobs", {"kind": "fit", "file": film, "rows": outside})
    assert status == 400
    assert "outside the bounds" in found["error"]["message"]
    status, found = served.ask("POST", "/api/plan", {"kind": "fit", "file": film, "evaluations": 5000})
    assert status == 200
    assert found["evaluations"] == 5000
    status, found = served.ask("POST", "/api/plan", {"kind": "fit", "file": film, "settings": {"km": 99.0, "kmm": 1.0}})
    assert status == 400
    assert {mistake["path"] for mistake in found["error"]["mistakes"]} == {"km", "kmm"}


def test_a_fit_is_watched_and_its_results_are_taken_home(served: Served, film: str) -> None:
    asked = {"kind": "fit", "file": film, "evaluations": 3000, "seed": 3, "settings": {"create_trial": "rand_1_bin"}}
    status, job = served.ask("POST", "/api/jobs", asked)
    assert status == 201, job
    kinds: list[str] = []
    with connect(f"{served.socket_address}/ws/watch") as link:
        link.send(json.dumps({"watch": [job["id"]]}))
        while "end" not in kinds:
            message = json.loads(link.recv(240))
            if message.get("job") == job["id"]:
                if "snapshot" in message and message["snapshot"]["end"]:
                    kinds.append("end")
                kinds += [one["kind"] for one in message.get("messages", ())]
    assert {"start", "generation", "curves"} <= set(kinds)
    done = served.job(job["id"])
    assert done["state"] == "finished", done
    assert done["snapshot"]["end"]["verdict"] == done["verdict"]["line"]
    mine = metagenx.fit(metagenx.load(FILM), 3, budget=3000, cores=1, create_trial="rand_1_bin")
    assert done["snapshot"]["end"]["summary"]["fom"] == mine.fom, "the same numbers as the same fit anywhere"
    _, curves = served.ask("GET", f"/api/jobs/{job['id']}/curves")
    assert abs(curves["fom"] - mine.fom) < 1e-9
    _, listed = served.ask("GET", f"/api/jobs/{job['id']}/results")
    names = [file["name"] for file in listed["files"]]
    assert names[:3] == ["report.html", "best.hgx", "settings.yaml"]
    _, best = served.ask("GET", f"/api/jobs/{job['id']}/results/best.hgx")
    home = served.base / "home.hgx"
    home.write_bytes(best)
    assert abs(metagenx.load(home).fom() - mine.fom) < 1e-9
    _, text = served.ask("GET", f"/api/jobs/{job['id']}/results/settings.yaml")
    assert b"Method: rand_1_bin" in text


def test_a_wrong_file_is_told_what_is_wrong(served: Served) -> None:
    status, found = served.ask("GET", f"/api/files/{served.bring(b'PK cut off', 'film.gx')}")
    assert status == 400
    assert found["error"]["kind"] == "FileFormatError"
    assert "damaged" in found["error"]["hint"]


def test_a_zip_bomb_is_refused(served: Served) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in ("data", "script", "parameters", "fomfunction", "config"):
            archive.writestr(member, b"\0" * (80 * 2**20 if member == "data" else 10))
    assert len(packed.getvalue()) < 2**20
    status, found = served.ask("GET", f"/api/files/{served.bring(packed.getvalue(), 'bomb.gx')}")
    assert status == 400
    assert "inflates" in found["error"]["message"]


def test_a_job_outlives_the_server_and_is_found_again(launch: Callable[..., Served], tmp_path: Path) -> None:
    first = launch("--port", "0", str(FILM), base=tmp_path)
    port = first.address.rpartition(":")[2]
    file = first.ask("GET", "/api/files")[1]["files"][0]["id"]
    _, job = first.ask("POST", "/api/jobs", {"kind": "fit", "file": file, "evaluations": 100_000_000})
    first.job(job["id"], until=("running",))
    _, waiting = first.ask("POST", "/api/jobs", {"kind": "repeat", "file": file, "n": 2})
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(30)
    second = launch("--port", port, base=tmp_path)
    found = second.job(job["id"], until=("running",))
    assert second.ask("GET", "/api/jobs")[1]["queue"] == [waiting["id"]], "what waited, waits"
    evaluations = found["snapshot"]["last"].get("evaluations", 0)
    end = time.monotonic() + 200
    while second.job(job["id"], until=("running",))["snapshot"]["last"].get("evaluations", 0) <= evaluations:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert second.ask("POST", f"/api/jobs/{waiting['id']}/stop")[1]["state"] == "stopped"
    assert second.ask("DELETE", f"/api/jobs/{job['id']}")[0] == 400, "it runs"
    second.ask("POST", f"/api/jobs/{job['id']}/stop")
    done = second.job(job["id"])
    assert done["state"] == "stopped"
    assert done["snapshot"]["end"]["summary"]["fom"] > 0, "what it has found is kept"
    names = [file["name"] for file in second.ask("GET", f"/api/jobs/{job['id']}/results")[1]["files"]]
    assert "best.hgx" in names
    assert second.ask("POST", f"/api/jobs/{job['id']}/resume")[0] == 200
    second.job(job["id"], until=("running",))
    for _ in range(15):  # it was started once, not twice, so it is not lost
        time.sleep(0.2)
        assert second.ask("GET", f"/api/jobs/{job['id']}")[1]["state"] == "running"
    second.ask("POST", f"/api/jobs/{job['id']}/stop")
    assert second.job(job["id"])["state"] == "stopped"
    assert second.ask("DELETE", f"/api/jobs/{job['id']}")[0] == 200
    assert second.ask("GET", f"/api/jobs/{job['id']}")[0] == 400


def test_start_server_and_stop_server(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "metagenx", *arguments, "--out", str(tmp_path), "--json"]
        return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)

    started = run("start-server", "--port", "0", "--host", "127.0.0.2", "--token")
    assert started.returncode == 0, started.stdout
    url = json.loads(started.stdout)["url"]
    assert "?token=" in url
    running = find_server(tmp_path)
    assert running is not None
    assert running["address"] == url.partition("/?")[0]
    assert run("stop-server").returncode == 0
    assert run("stop-server").returncode == 2


TESTS = """
experiment = {"model": {"file": "another.hgx"}, "samples": {"twins": {"search": 0, "held_out": 0}},
              "test": {"repeats": 2}, "tune": {"racing": False, "validate": 2}, "budget": {"evaluations": 60_000}}

def settings():
    yield {"create_trial": "rand_1_bin", "km": 0.7, "kr": 0.7}

def record(fit):
    return {"half of the evaluations": fit.evaluations / 2}
"""


def test_the_command_of_2014(tmp_path: Path) -> None:
    tests = tmp_path / "example_tests.py"
    tests.write_text(TESTS)

    def run(*arguments: str, code: int = 0) -> dict[str, object]:
        command = [sys.executable, "-m", "metagenx", *arguments, "--out", str(tmp_path), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == code, done.stdout
        return dict(json.loads(done.stdout))

    command = ("start-server", f"--fit={FILM}", f"--tests={tests}", "--port", "0")
    assert "--trust" in str(run(*command, code=2)), "a Python file is not run unasked"
    assert find_server(tmp_path) is None
    started = run(*command, "--trust")
    served = Served(tmp_path, None, str(started["url"]))  # type: ignore[arg-type]
    try:
        end = time.monotonic() + 240
        while len(jobs := served.ask("GET", "/api/jobs")[1]["jobs"]) < 2:
            assert time.monotonic() < end, (tmp_path / "served" / "server.log").read_text()
            time.sleep(0.2)
        assert {job["kind"] for job in jobs} == {"fit", "tune"}
        for job in jobs:
            assert served.job(job["id"])["state"] == "finished", served.job(job["id"])["verdict"]
        tune = next(job["id"] for job in jobs if job["kind"] == "tune")
        _, table = served.ask("GET", f"/api/jobs/{tune}/results/repeats.csv")
        assert b"half of the evaluations" in table.splitlines()[0], "record() of the tests file"
    finally:
        run("stop-server")
    assert find_server(tmp_path) is None
