"""SMAC3 as a process that asks for runs, a line of JSON each; started by tuner_rivals.py in SMAC3's own environment."""

from __future__ import annotations

import json
import sys
import warnings


def main() -> None:
    warnings.simplefilter("ignore")
    from ConfigSpace import Categorical, ConfigurationSpace, Float
    from smac import AlgorithmConfigurationFacade, Callback, Scenario

    pipe, sys.stdout = sys.stdout, sys.stderr  # what SMAC prints does not belong into the pipe
    about = json.loads(sys.stdin.readline())
    space = ConfigurationSpace(seed=about["seed"] % 2**31)
    for axis in about["space"]:
        if "choices" in axis:
            space.add(Categorical(axis["name"], axis["choices"], default=about["default"][axis["name"]]))
        else:
            default = about["default"][axis["name"]]
            space.add(Float(axis["name"], (axis["low"], axis["high"]), log=axis["log"], default=default))

    def target(config, instance: str, seed: int = 0) -> float:  # type: ignore[no-untyped-def]
        pipe.write(json.dumps({"point": dict(config), "instance": instance}) + "\n")
        pipe.flush()
        told = json.loads(sys.stdin.readline())
        spent.append(told is None)
        return told[0] if told else 10.0  # SMAC asks once more than is paid for, and does not see this

    spent: list[bool] = []

    class UntilSpent(Callback):
        def on_tell_start(self, smbo, info, value):  # type: ignore[no-untyped-def]
            return not spent[-1]

    features = {name: [float(number)] for number, name in enumerate(about["instances"])}
    scenario = Scenario(
        space,
        deterministic=False,
        n_trials=10**6,
        instances=about["instances"],
        instance_features=features,
        seed=about["seed"] % 2**31,
        output_directory="smac",
    )
    facade = AlgorithmConfigurationFacade(
        scenario,
        target,
        initial_design=AlgorithmConfigurationFacade.get_initial_design(
            scenario, additional_configs=[space.get_default_configuration()]
        ),
        callbacks=[UntilSpent()],
        logging_level=40,
        overwrite=True,
    )
    found = facade.optimize()
    config = found[0] if isinstance(found, list) else found
    pipe.write(json.dumps({"answer": dict(config)}) + "\n")
    pipe.flush()


if __name__ == "__main__":
    main()
