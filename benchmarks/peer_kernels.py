"""The side of refnx and refl1d of peers.py, run by the interpreter of their environment.

Reads one request per line and answers each with a line of JSON: `{"case": …, "library": …}` takes the sample (see
`Case.for_slab_programs` in kernel_cases.py) and answers with the curves; `{"calls": n}` computes them n times, each
with another thickness, and answers with the processor seconds per call; with `"points": 1`, at that many.

Libraries: ``refnx`` (its C kernel, Abelès matrices; 4 x 4 matrices for spin flip), ``refl1d`` (its default kernel).
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

_CHANNELS_OF_REFNX = (0, 3, 1, 2)  # to uu, dd, ud, du


class Refnx:
    """refnx's kernels as its models call them."""

    def __init__(self, layers, magnetic):
        from refnx.reflect import _creflect

        n = len(layers)
        self.slabs = np.zeros((n, 6 if magnetic else 4))
        self.slabs[:, 0] = layers[:, 0]
        self.slabs[:, 1:3] = layers[:, 1:3] * 1e6
        self.slabs[1:, 3] = layers[1:, 3]
        if magnetic:
            self.slabs[:, 4] = layers[:, 4] * 1e6
            self.slabs[:, 5] = 90.0 - layers[:, 5]
            self._kernel = _creflect.gepore
        else:
            self._kernel = _creflect.abeles
        self._magnetic = magnetic
        self._thickness = layers[1, 0]

    def curves(self, q, change=0.0):
        self.slabs[1, 0] = self._thickness + change
        if not self._magnetic:
            return [self._kernel(q, self.slabs, threads=1)]
        found = self._kernel(q, self.slabs, Aguide=270.0)
        return [found[i] for i in _CHANNELS_OF_REFNX]


class Refl1d:
    """refl1d's kernels as its experiments call them."""

    def __init__(self, layers, magnetic):
        from refl1d.sample import reflectivity

        self._module, self._magnetic = reflectivity, magnetic
        self._depth = np.array(layers[:, 0])
        self._rho, self._irho = layers[:, 1] * 1e6, layers[:, 2] * 1e6
        self._sigma = np.array(layers[1:, 3])
        self._rho_m, self._theta = layers[:, 4] * 1e6, 270.0 - layers[:, 5]
        self._thickness = layers[1, 0]

    def curves(self, q, change=0.0):
        self._depth[1] = self._thickness + change
        if not self._magnetic:
            r = self._module.reflectivity_amplitude(
                kz=q / 2, depth=self._depth, rho=self._rho, irho=self._irho, sigma=self._sigma
            )
            return [np.abs(r) ** 2]
        found = self._module.magnetic_amplitude(
            q / 2, self._depth, self._rho, self._irho, self._rho_m, self._theta, self._sigma, Aguide=270.0
        )
        dd, ud, du, uu = (np.abs(r) ** 2 for r in found)
        return [uu, dd, ud, du]


LIBRARIES = {"refnx": Refnx, "refl1d": Refl1d}


def seconds(program, q, calls):
    program.curves(q)
    start = time.process_time()
    for call in range(calls):
        program.curves(q, 1e-3 * (call + 1))
    return (time.process_time() - start) / calls


def versions():
    from importlib.metadata import version

    return {name: version(name) for name in LIBRARIES}


def main():
    program = q = None
    print(json.dumps(versions()), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "case" in request:
            case = request["case"]
            q = np.linspace(*case["q"])
            program = LIBRARIES[request["library"]](np.array(case["layers"]), case["magnetic"])
            answer = [curve.tolist() for curve in program.curves(q)]
        else:
            answer = seconds(program, q[: request.get("points")].copy(), request["calls"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
