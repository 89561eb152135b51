"""The other side of the kernels of peers.py, run by GenX's own interpreter: curves through its public interface.

Reads one request per line and answers each with a line of JSON: `{"case": …}` makes the sample (see kernel_cases.py)
and answers with the curves; `{"calls": n}` simulates n times, each with another thickness as a fit does (GenX remembers
the last spin-flip calculation), and answers with the processor seconds per call; with `"points": 1`, at that many.
"""

from __future__ import annotations

import json
import sys
import time

import genx.models.spec_nx as model
import numpy as np


def layer(numbers):
    numbers = dict(numbers)
    for name in ("f", "b"):
        if name in numbers:
            numbers[name] = complex(*numbers[name])
    return model.Layer(**numbers)


class Case:
    def __init__(self, request):
        stacks = [
            model.Stack(Layers=[layer(numbers) for numbers in layers], Repetitions=repetitions)
            for layers, repetitions in request["stacks"]
        ]
        self.first = stacks[0].Layers[0]
        self.sample = model.Sample(
            Stacks=stacks, Ambient=layer(request["ambient"]), Substrate=layer(request["substrate"])
        )
        self.q = np.linspace(*request["q"])
        self.instrument = model.Instrument(**request["instrument"])
        self.channels = request["channels"]

    def curves(self):
        result = []
        for channel in self.channels:
            if channel:
                self.instrument.setPol(channel)
            result.append(np.asarray(self.sample.SimSpecular(self.q, self.instrument)).tolist())
        return result

    def seconds(self, calls, points):
        q = self.q[:points] if points else self.q
        thickness = float(self.first.d)
        self.sample.SimSpecular(q, self.instrument)
        start = time.process_time()
        for call in range(calls):
            self.first.setD(thickness + 1e-3 * (call + 1))
            self.sample.SimSpecular(q, self.instrument)
        passed = time.process_time() - start
        self.first.setD(thickness)
        return passed / calls


def main():
    case = None
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            case = Case(request["case"])
            answer = case.curves()
        else:
            answer = case.seconds(request["calls"], request.get("points"))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
