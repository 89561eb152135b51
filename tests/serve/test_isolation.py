"""A script that is allowed to do everything can do nothing: what the operating system keeps it from."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from served_here import Served, needs_isolation

from metagenx.errors import ScriptRefused
from metagenx.genx import file as genx_file
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.file import GenxFile, Row
from metagenx.serve.access import Access
from metagenx.serve.isolation import Isolation, find_isolation
from metagenx.serve.job_runs import runs_job
from metagenx.serve.limits import Limits
from metagenx.serve.live import Live
from metagenx.serve.state import Server

SCRIPT = """
import os, socket, sys
tries = []
def attempt(name, function):
    try:
        tries.append(name + ": DONE " + str(function())[:60])
    except BaseException as error:
        tries.append(name + ": " + type(error).__name__)
def forks():
    for count in range(1000):
        if os.fork() == 0:
            import time
            time.sleep(3)
            os._exit(0)
attempt("connect", lambda: socket.create_connection(("127.0.0.1", {port}), 2))
attempt("listen outside", lambda: socket.socket().connect(("192.0.2.1", 80)))
attempt("read", lambda: open({secret!r}).read())
attempt("list", lambda: os.listdir({folder!r}))
attempt("root", lambda: open("/etc/shadow").read())
attempt("write", lambda: open({kernels!r} + "/poison.nbi", "w") and os.path.realpath({kernels!r}))
places = [os.path.join({kernels!r}, name) for name in os.listdir({kernels!r})]
links = [place for place in places if os.path.islink(place)]
attempt("poison", lambda: open(links[0], "r+b"))
attempt("system", lambda: open("/usr/bin/poison", "w"))
attempt("memory", lambda: len(bytearray(100 << 30)))
attempt("kill", lambda: os.kill({pid}, 0))
attempt("file", lambda: open("/tmp/big", "wb").truncate(2 << 30))
attempt("forks", forks)
attempt("user", os.getuid)
attempt("<img src=x>", lambda: 1)
for line in tries:
    print(line)
def Sim(data):
    return [data[0].x * 0.0 + level.new_d]
class Level:
    def __init__(self):
        self.new_d = 1.0
    def setD(self, value):
        self.new_d = value
level = Level()
"""


def hostile_file(place: Path, **values: object) -> Path:
    x = np.linspace(1.0, 2.0, 20)
    table = [Row("level.setD", 1.0, True, 0.5, 2.0)]
    file = GenxFile(script=SCRIPT.format(**values), table=table, data=DataList([DataSet("<b>data</b>", x, x, x)]))
    genx_file.write(file, place / "hostile.hgx")
    return place / "hostile.hgx"


@needs_isolation
def test_a_trusted_script_is_in_a_cage(launch: Callable[..., Served], tmp_path: Path) -> None:
    from metagenx.serve.confined import KERNELS

    isolation = find_isolation()
    if not isolation.namespaces:
        pytest.skip(f"no isolation here: {isolation.why_not}")
    tmp_path.chmod(0o755)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IROTH)
    served = launch("--port", "0", "--trust")
    port = served.address.rpartition(":")[2]
    path = hostile_file(
        tmp_path, port=port, secret=str(secret), folder=str(tmp_path), kernels=str(KERNELS), pid=os.getpid()
    )
    status, found = served.ask("GET", f"/api/files/{served.bring(path, 'hostile.hgx')}")
    assert status == 200, found
    said = dict(line.rpartition(": ")[::2] for line in found["output"].splitlines() if ": " in line)
    done = {name for name, outcome in said.items() if outcome.startswith("DONE")}
    assert {"connect", "read", "root", "memory", "forks", "system", "kill", "poison"} <= set(said)
    assert done <= {"write", "user", "<img src=x>"}, said  # its cache is its own: see the next lines
    assert not (KERNELS / "poison.nbi").exists()
    assert int(said["user"].split()[1]) not in (0, os.getuid())


def test_such_a_script_is_refused_where_nobody_trusts_it(served: Served, tmp_path: Path) -> None:
    path = hostile_file(tmp_path, port=1, secret="", folder="", kernels="", pid=1)
    status, found = served.ask("GET", f"/api/files/{served.bring(path, 'hostile.hgx')}")
    assert status == 400
    assert found["error"]["kind"] == "ScriptRefused"
    assert "os" in found["error"]["message"]
    assert "--trust" in found["error"]["hint"]


def test_without_namespaces_trust_has_no_effect_and_says_so(tmp_path: Path) -> None:
    access = Access("", b"k" * 32, 60.0, is_local=True)

    async def ask() -> None:
        server = Server(
            tmp_path, access, Isolation(False, "bubblewrap is not installed"), Limits(), cores=1, trust=True
        )
        with server.uploads.arriving("hostile.hgx", None, "somebody") as arrival:
            arrival.write(hostile_file(tmp_path, port=1, secret="", folder="", kernels="", pid=1).read_bytes())
            upload = arrival.done()
        try:
            await server.desk(upload)
        finally:
            await server.desks.close()

    with pytest.raises(ScriptRefused, match="bubblewrap is not installed"):
        asyncio.run(ask())


def test_the_command_has_no_network_and_no_way_back() -> None:
    command = Isolation(True).command("metagenx.serve.desk_process")
    assert "--unshare-net" in command
    assert "--new-session" in command
    bound = {command[i + 1] for i, word in enumerate(command) if word in ("--bind", "--ro-bind")}
    assert not bound & {"/", "/etc", "/home", "/root", "/var", "/run", str(Path.home())}
    assert "--bind" not in command


def test_who_trusts_a_tests_file_does_not_trust_the_model(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    mark = tmp_path / "ran"
    script = f"open({str(mark)!r}, 'w').close()\ndef Sim(data):\n    return [data[0].x * 0.0]\n"
    x = np.linspace(1.0, 2.0, 20)
    genx_file.write(
        GenxFile(script=script, table=[], data=DataList([DataSet("data", x, x, x)])), tmp_path / "inputs" / "m.hgx"
    )
    asked = {"file": "m.hgx", "kind": "tune", "tests": {"name": "mine.py", "text": "experiment = {}"}}
    with Live(tmp_path) as live, pytest.raises(ScriptRefused):
        runs_job(tmp_path, asked, live)
    assert not mark.exists()
