"""Time and memory of scripts: nothing hangs, nothing fills the machine, and what keeps its limits pays nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
import timeit

import numpy as np
import pytest

from metagenx.errors import ScriptError
from metagenx.genx.data import DataList, DataSet
from metagenx.genx.sandbox import deadline, memory
from metagenx.genx.script import Limits, ScriptModule, ScriptTimeout

SOON = Limits(load=0.5, call=0.5)


def data() -> DataList:
    return DataList([DataSet("a", np.arange(4.0), np.ones(4), np.ones(4))])


def spin(seconds: float) -> str:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return "done"


# Deadline ------------------------------------------------------------------------------------------------------------


def test_what_is_in_time_returns_and_raises_as_usual() -> None:
    assert deadline.call(5.0, spin, 0.01) == "done"
    with pytest.raises(ZeroDivisionError):
        deadline.call(5.0, lambda: 1 / 0)


def test_what_is_not_in_time_is_stopped() -> None:
    began = time.monotonic()
    with pytest.raises(ScriptTimeout, match=r"stopped after 0\.2 s"):
        deadline.call(0.2, spin, 60.0)
    assert time.monotonic() - began < 5.0


def test_swallowing_it_does_not_help() -> None:
    def stubborn() -> None:
        for _ in range(3):
            try:
                spin(60.0)
            except BaseException:
                continue
        spin(60.0)

    began = time.monotonic()
    with pytest.raises(ScriptTimeout):
        deadline.call(0.1, stubborn)
    assert time.monotonic() - began < 10.0


def test_waiting_is_no_computing() -> None:
    """A thread that gets little of the processor is given more time; one that only waits, five times its limit."""
    began = time.monotonic()
    assert deadline.call(1.0, time.sleep, 1.5) is None
    with pytest.raises(ScriptTimeout):
        deadline.call(0.5, lambda: [time.sleep(0.05) for _ in range(1000)])
    assert time.monotonic() - began < 20.0


def test_limits_in_limits() -> None:
    def outer() -> str:
        with pytest.raises(ScriptTimeout):
            deadline.call(0.1, spin, 60.0)
        return "goes on"

    assert deadline.call(20.0, outer) == "goes on"
    with pytest.raises(ScriptTimeout):
        deadline.call(0.2, deadline.call, 60.0, spin, 60.0)


def test_each_thread_has_its_own() -> None:
    ends: dict[int, str] = {}

    def work(i: int) -> None:
        try:
            ends[i] = deadline.call(0.3 if i % 2 else 60.0, spin, 1.5 if i % 2 else 0.05)
        except ScriptTimeout:
            ends[i] = "stopped"

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {i: "stopped" if i % 2 else "done" for i in range(6)}


def test_a_late_exception_never_arrives_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that end just when the watchdog fires: either a result or `ScriptTimeout`, and never a stray `TimeUp`."""
    monkeypatch.setattr(deadline, "_LOOK_EVERY", 0.0005)
    monkeypatch.setattr(deadline, "_watchdog", deadline._Watchdog())
    outcomes = {"done": 0, "stopped": 0}
    stray: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(400):
                try:
                    outcomes[deadline.call(0.002, spin, 0.002)] += 1
                except ScriptTimeout:
                    outcomes["stopped"] += 1
                spin(0.0002)
        except BaseException as error:
            stray.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stray == []
    assert sum(outcomes.values()) == 800
    assert not deadline._watchdog.calls


def test_keyboard_interrupt_passes() -> None:
    def pressed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ScriptModule("", data()).within_limits(pressed)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no Ctrl-Z on this system")
def test_time_stopped_by_ctrl_z_does_not_count() -> None:
    code = (
        "import time\n"
        "from metagenx.genx.sandbox import deadline\n"
        "def work():\n"
        "    end = time.process_time() + 0.2\n"
        "    print('working', flush=True)\n"
        "    while time.process_time() < end: pass\n"
        "    return 'done'\n"
        "print(deadline.call(1.0, work))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(6.0)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "done\n"


def test_a_limit_costs_microseconds() -> None:
    script = ScriptModule("def Sim(data): return [d.x for d in data]", data())
    sets, sim, n = data(), script.namespace["Sim"], 5000
    clock = time.thread_time  # of this thread: what else the machine does is not counted
    plain = min(timeit.repeat(lambda: sim(sets), timer=clock, number=n, repeat=7)) / n
    limited = min(timeit.repeat(lambda: script.simulate(sets), timer=clock, number=n, repeat=7)) / n
    # Measured on an idle machine: 4 µs.
    assert limited - plain < 15e-6


@pytest.mark.skipif(not hasattr(deadline.os, "fork"), reason="needs fork")
def test_a_forked_process_has_a_watchdog_of_its_own() -> None:
    deadline.call(5.0, spin, 0.01)
    child = deadline.os.fork()
    if child == 0:
        code = 1
        try:
            deadline.call(0.2, spin, 60.0)
        except ScriptTimeout:
            code = 0
        finally:
            deadline.os._exit(code)
    _, status = deadline.os.waitpid(child, 0)
    assert status == 0


# Scripts -------------------------------------------------------------------------------------------------------------


def test_an_endless_script() -> None:
    with pytest.raises(ScriptTimeout) as caught:
        ScriptModule("x = 1\nwhile True:\n    x = 2", data(), file="film.hgx", limits=SOON)
    assert caught.value.where in {"film.hgx, script line 2", "film.hgx, script line 3"}
    assert "endless loop" in str(caught.value.hint)
    assert caught.value.exit_code == 2


def test_an_endless_simulation_and_the_next_one() -> None:
    script = ScriptModule(
        "stuck = True\ndef Sim(data):\n    while stuck: pass\n    return [d.x for d in data]",
        data(),
        limits=SOON,
    )
    with pytest.raises(ScriptTimeout, match=r"0\.5 s") as caught:
        script.simulate(data())
    assert "line 3" in str(caught.value.where)
    script.namespace["stuck"] = False
    assert len(script.simulate(data())) == 1


def test_an_endless_row_and_expression() -> None:
    script = ScriptModule("def f(x=0):\n    while x == 1: pass\ndef g():\n    while True: pass", data(), limits=SOON)
    setter = script.compile_setter("f")
    setter(0.0)
    with pytest.raises(ScriptTimeout) as caught:
        setter(1.0)
    assert caught.value.where == "parameter 'f'"
    with pytest.raises(ScriptTimeout):
        script.evaluate("g()")


def test_an_endless_result() -> None:
    """What Sim returns is looked at within the limits as well."""
    text = "class R:\n    def __len__(self):\n        while True: pass\ndef Sim(data): return [R()]"
    with pytest.raises((ScriptTimeout, ScriptError)):
        ScriptModule(text, data(), limits=SOON).simulate(data())


def test_trusted_scripts_are_stopped_too() -> None:
    with pytest.raises(ScriptTimeout):
        ScriptModule("import os\nwhile True: pass", data(), trust=True, limits=SOON)


@pytest.mark.skipif(not memory.ENFORCED, reason="no limit on memory on this system")
def test_memory() -> None:
    text = "kept = []\ndef Sim(data):\n    while True: kept.append('a'*1000000 + str(len(kept)))"
    script = ScriptModule(text, data(), file="film.hgx", limits=Limits(call=30.0, memory=1 << 28))
    with pytest.raises(ScriptError, match=r"more than 0\.25 GiB of memory") as caught:
        script.simulate(data())
    assert "script" in str(caught.value.where)


@pytest.mark.skipif(not memory.ENFORCED, reason="no limit on memory on this system")
def test_the_limit_on_memory_is_taken_back() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ScriptError):
        ScriptModule("x = 'a' * (10 ** 6 * int(1e6))", data())
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert memory.call(1 << 20, lambda: memory.call(1 << 20, lambda: 1)) == 1
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(np.zeros(1 << 26)) == 1 << 26


def test_what_a_failed_script_has_made_is_forgotten() -> None:
    import gc
    import weakref

    with pytest.raises(ScriptError) as caught:
        ScriptModule("class Big: pass\nbig = Big()\nkeep(big)", data())
    assert caught.value.__context__ is None
    script = ScriptModule("class Big: pass\nbig = Big()", data())
    reference = weakref.ref(script.namespace["big"])
    del script
    gc.collect()
    assert reference() is None


# The last resort -----------------------------------------------------------------------------------------------------

STUCK = """
    import sys, time
    import numpy as np
    from metagenx.genx.sandbox import deadline
    deadline.end_process_when_stuck(grace=1.0)
    def stuck():
        {stuck}
    try:
        deadline.call(2.0, stuck)
    except deadline.ScriptTimeout:
        sys.exit(77)
"""


@pytest.mark.parametrize(
    ("stuck", "code", "words"),
    [
        # numpy lets other threads run: the watchdog itself ends the process.
        ("np.broadcast_to(np.float32(1.0), (10**14,)).sum()", {1, 2}, "busy for|Timeout"),
        # Python's own loop in C does not: a timer of C ends the process.
        ("time.sleep(1.0); sum(iter(int, 1))", {1}, "Timeout"),
        ("while True: pass", {77}, ""),
    ],
)
def test_the_last_resort_ends_the_process(stuck: str, code: set[int], words: str) -> None:
    program = textwrap.dedent(STUCK).format(stuck=stuck)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.returncode in code, ended.stderr
    assert any(word in ended.stderr for word in words.split("|"))
