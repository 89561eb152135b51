"""Loaded by GenX's own interpreter before GenX's command line starts: a clock at the messages of its fit.

GenX itself runs unchanged (`python -m genx.run --run --nb1 …`). At the message of a generation the processor time is
noted; METAGENX_CLOCK_GENERATIONS of them make a round, after which a line of JSON goes to the file descriptor
METAGENX_CLOCK_TO and GenX waits for a byte from METAGENX_CLOCK_FROM: rounds of several programs can alternate.

METAGENX_CLOCK_STACK=remembered makes Python's `inspect.stack()` answer from memory where it was asked before: GenX
3.8.13 calls it, 2 ms each time, whenever it makes a resolution object. The random numbers are seeded, so the FOMs of
both variants must be equal.
"""

import inspect
import json
import logging
import os
import re
import sys
import time

_GENERATION = re.compile(r"FOM: *([0-9.eE+-]+) *Generation: *([0-9]+)")


class _Clock:
    def __init__(self):
        self.round = int(os.environ["METAGENX_CLOCK_GENERATIONS"])
        self.to = int(os.environ["METAGENX_CLOCK_TO"])
        self.wait = int(os.environ["METAGENX_CLOCK_FROM"])
        self.make = logging.getLogRecordFactory()
        self.start, self.n = None, 0

    def __call__(self, *args, **kwargs):
        record = self.make(*args, **kwargs)
        found = _GENERATION.search(record.getMessage())
        if found:
            self.tick(float(found[1]))
        elif "Setting up the optimizer" in record.getMessage():
            _seed()
        return record

    def tick(self, fom):
        if self.start is None:  # the first generation compiles
            self.report({"fom": fom})
            return
        self.n += 1
        if self.n == self.round:
            self.report({"seconds": (time.process_time() - self.start) / self.n, "fom": fom})

    def report(self, what):
        os.write(self.to, (json.dumps(what) + "\n").encode())
        if os.read(self.wait, 1) != b"g":
            os._exit(0)
        self.n, self.start = 0, time.process_time()


def _seed():
    import random

    import numpy

    random.seed(1)
    numpy.random.seed(1)  # noqa: NPY002  (GenX's generator)


def _remember_stack():
    ask, known = inspect.stack, {}

    def stack(context=1):
        frame, key = sys._getframe(1), [context]
        while frame is not None:
            key += (frame.f_code, frame.f_lasti)
            frame = frame.f_back
        key = tuple(key)
        if key not in known:
            known[key] = ask(context)[1:]
        return known[key]

    inspect.stack = stack


if "METAGENX_CLOCK_TO" in os.environ:
    if os.environ.get("METAGENX_CLOCK_STACK") == "remembered":
        _remember_stack()
    logging.setLogRecordFactory(_Clock())
