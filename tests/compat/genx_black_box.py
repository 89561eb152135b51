"""Run by GenX's own interpreter: opens files with GenX, simulates and fits, and prints JSON.

    python genx_black_box.py REQUEST.json

REQUEST.json is a list of ``{"file": PATH, "generations": N, "seed": S, "save_as": PATH, "vectors": [[…]], "profiles":
true, "numpy_int": true}``, all but `file` optional. The last line of the output is a list with one answer per request:
``fom``, ``fom_function``, ``parameters`` (names, values of the fitted rows), ``n_points`` per data set, ``y_sim`` per
data set; after a fit also ``fom_log``; for each vector of fitted values one of ``trials`` with ``fom`` and ``y_sim``;
``sld``, the profiles; or ``error``. All files go through one process, because GenX compiles for 20 s first. Imports
nothing of ours.
"""

import json
import random
import sys


def answer(request):
    import numpy
    from genx import api

    if request.get("numpy_int"):
        setattr(numpy, "int", int)  # noqa: B010 - the name that sxrd_mult needs and numpy 1.24 dropped
    model, optimizer = api.load(request["file"])
    model.simulate()
    reply = {
        "fom": float(model.fom),
        "fom_function": model.fom_func.__name__,
        "parameters": _parameters(model),
        "n_points": [len(dataset.x) for dataset in model.data],
        "y_sim": [_numbers(dataset.y_sim) for dataset in model.data],
        "start_guess": _numbers(optimizer.start_guess),
        "fom_log": [_numbers(line) for line in numpy.asarray(optimizer.fom_log).reshape(-1, 2)],
        "errors": [row[5] for row in model.parameters.data],
    }
    if request.get("profiles"):
        reply["sld"] = [_profile(profile) for profile in getattr(model.script_module, "SLD", [])]
    if request.get("vectors"):
        reply["trials"] = [_trial(model, vector) for vector in request["vectors"]]
    if request.get("generations"):
        # GenX draws from the global generators. A fit by the method that GenX's own thread runs, without the thread.
        numpy.random.seed(request.get("seed", 0))
        random.seed(request.get("seed", 0))
        optimizer.opt.use_max_generations = True
        optimizer.opt.max_generations = int(request["generations"])
        optimizer.opt.use_parallel_processing = optimizer.opt.use_autosave = False
        optimizer.init_fitting(model)
        optimizer.init_fom_eval()
        optimizer.optimize_standard()
        reply["fitted_fom_log"] = [_numbers(line) for line in optimizer.get_fom_log()]
    if request.get("save_as"):
        api.save(request["save_as"])
    return reply


def _trial(model, vector):
    fitted = [row for row in model.parameters.data if row[2] and row[0].strip()]
    for row, value in zip(fitted, vector, strict=True):
        row[1] = float(value)
    model.simulate()
    return {"fom": str(float(model.fom)), "y_sim": [_numbers(dataset.y_sim) for dataset in model.data]}


def _profile(profile):
    """A profile as JSON: arrays as lists, the profiles of elements inside as they are, units left out."""
    found = {}
    for key, value in profile.items():
        if isinstance(value, dict):
            found[key] = _profile(value)
        elif not isinstance(value, str):
            found[key] = _numbers(value)
    return found


def _parameters(model):
    rows = [row for row in model.parameters.data if row[2] and row[0].strip()]
    return {"names": [row[0] for row in rows], "values": [float(row[1]) for row in rows]}


def _numbers(values):
    """JSON has no nan: as text, like inf."""
    return [float(v) if abs(float(v)) < float("inf") else str(float(v)) for v in values]


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        requests = json.load(stream)
    answers = []
    for request in requests:
        try:
            answers.append(answer(request))
        except BaseException as error:  # the answer is that GenX fails, and how
            # Its type and the last line of its message: the rest is GenX's own traceback, source lines and all.
            lines = str(error).strip().splitlines()
            answers.append({"error": f"{type(error).__name__}: {lines[-1] if lines else ''}"})
    print()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
