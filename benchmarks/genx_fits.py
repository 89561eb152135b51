"""The other side of sliced_profile.py, run by GenX's own interpreter: figures of merit by GenX.

Reads one request per line and answers each with a line of JSON: `{"file": PATH}` loads a file and simulates it;
`{"foms": vectors}` evaluates candidates as GenX's fit does, one after the other, and answers with their FOMs and the
processor seconds it took. With `--without-stack` every look at the stack of calls, which GenX takes whenever a
script makes a layer, is made cheap: the rest of GenX is as shipped.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
import time

import numpy as np


def cheap_stack(context=1):
    """What inspect.stack gives, without the source lines, which it reads from the disk and parses."""
    frames = []
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        frames.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None))
        frame = frame.f_back
    return frames


class Fits:
    def __init__(self, file):
        from genx import api

        self.model, self.optimizer = api.load(file)
        self.model.simulate()
        self.optimizer.init_fitting(self.model)
        self.optimizer.init_fom_eval()

    def foms(self, vectors):
        vectors = [np.array(vector) for vector in vectors]
        start = time.process_time()
        foms = [float(self.optimizer.calc_fom(vector)) for vector in vectors]
        return {"foms": foms, "seconds": time.process_time() - start}


def main():
    if "--without-stack" in sys.argv:
        inspect.stack = cheap_stack
    out = sys.stdout
    fits = None
    print(json.dumps("ready"), file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):
            if "file" in request:
                fits = Fits(request["file"])
                answer = None
            else:
                answer = fits.foms(request["foms"])
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
