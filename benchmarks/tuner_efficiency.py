"""How good is what a tuner returns, by the evaluations that it may spend? Ours and six others in one harness.

    python benchmarks/tuner_efficiency.py
    python benchmarks/tuner_efficiency.py --families M2 --repetitions 16

The truth is the surrogate of the measured table (metagenx/meta/tables); regret is log10 ERT of the returned settings
above the best of the space, mean over the samples. All tuners know the default. The others pay for restarted runs,
ours for single runs; both draw from the same truth. SMAC3 runs in an environment of its own (``python -m venv
~/.cache/metagenx/tuners``; ``pip install smac``), irace in R (Debian: r-cran-irace, version 3.5); the one that is not
there is left out, with a line that says so.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
from measure import arguments, finish, machine, table
from tuner_rivals import Purse, Tuner, irace, lus, random_search, smac, tpe

from metagenx.fitting.streams import stream
from metagenx.meta.race_rules import RaceRules
from metagenx.meta.replay import TabularBenchmark
from metagenx.meta.replayed_tuning import tune_replayed
from metagenx.meta.tuner_settings import TunerSettings

BUDGETS = (64_000_000, 256_000_000)
OURS = "metagenx"
SMAC = Path.home() / ".cache" / "metagenx" / "tuners" / "bin" / "python"
MOST_TRIALS, MOST_REPEATS, MOST_VALIDATED = 240, 400, 1000  # of our race: what a large budget may be used for


def rivals() -> tuple[dict[str, Tuner], list[str]]:
    """The other tuners that there are, and what is missing."""
    makers = {"random search": random_search, "Optuna TPE": tpe, "LUS": lus}
    found = {f"{name}, {runs} runs": make(runs) for name, make in makers.items() for runs in (5, 25)}
    missing = []
    if SMAC.exists() and not subprocess.run([str(SMAC), "-c", "import smac"], capture_output=True).returncode:
        found["SMAC3"] = smac(SMAC)
    else:
        missing.append("SMAC3")
    has_r = shutil.which("Rscript")
    if has_r and not subprocess.run(["Rscript", "-e", "library(irace)"], capture_output=True).returncode:
        found["irace"] = irace()
    else:
        missing.append("irace")
    return found, missing


def ours(benchmark: TabularBenchmark, budget: int, seed: int) -> float:
    """Regret of what our tuner returns."""
    tuner = TunerSettings()
    rules = RaceRules(
        budget,
        trials=MOST_TRIALS,
        cohorts=tuner.cohorts,
        repeats=MOST_REPEATS,
        validate=MOST_VALIDATED,
        seed=seed,
        tuner=tuner,
    )
    # All samples count alike, as if they were so many files of the user's.
    answer = tune_replayed(benchmark, budget, seed, tuner=tuner, rules=rules, real=benchmark.instances)
    return benchmark.regret(answer.settings)


def main() -> None:
    options = arguments(
        str(__doc__),
        ("--families", {"nargs": "*", "help": "of the table; default: each of them on its own"}),
        ("--repetitions", {"type": int, "default": 16}),
        ("--only", {"nargs": "*", "help": "beginnings of the names of some tuners"}),
        ("--synthetic", {"action": "store_true", "help": "a made-up benchmark instead of the measured table"}),
    )
    print(machine())
    everything = (
        TabularBenchmark.synthetic(stream(0, "synthetic")) if options.synthetic else TabularBenchmark.from_table()
    )
    families = options.families or list(everything.families)
    repetitions = 2 if options.quick else options.repetitions
    others, missing = rivals()
    for name in missing:
        print(f"{name} is not here, so it is left out")
    names = [OURS, *others]
    if options.only:
        names = [name for name in names if any(name.startswith(begin) for begin in options.only)]
    rows, missed, results = [], [f"{name} was not there" for name in missing], {}
    for family in families:
        benchmark = everything if options.synthetic else TabularBenchmark.from_table(families=[family])
        print(
            f"{family}: regret of the default {benchmark.regret(benchmark.default):.3f}, of bag {benchmark.out_of_bag}"
        )
        for budget in BUDGETS[:1] if options.quick else BUDGETS:
            found: dict[str, np.ndarray] = {}
            for name in names:
                begun, regrets = time.process_time(), []
                for number in range(repetitions):
                    if name == OURS:
                        regrets.append(ours(benchmark, budget, number))
                    else:
                        purse = Purse(benchmark, budget, stream(number, "rival", name, family))
                        regrets.append(benchmark.regret(others[name](purse)))
                found[name] = np.array(regrets)
                error = float(found[name].std(ddof=1) / np.sqrt(repetitions)) if repetitions > 1 else float("nan")
                results[f"{family} {budget} {name}"] = [float(found[name].mean()), error]
                rows.append([family, f"{budget:,}", name, f"{found[name].mean():.3f} ± {error:.3f}",
                             f"{found[name].max():.3f}",
                             f"{(time.process_time() - begun) / repetitions:.2f}"])  # fmt: skip
                print(" | ".join(rows[-1]), flush=True)
            for name in found.keys() - {OURS}:
                if OURS in found and found[OURS].mean() >= found[name].mean():
                    missed.append(f"{family} at {budget:,}: the regret of {name} is not higher")
    print(table(["family", "evaluations", "tuner", "regret (mean, s.e.)", "worst", "s of this process"], rows))
    finish(options, results, missed)


if __name__ == "__main__":
    main()
