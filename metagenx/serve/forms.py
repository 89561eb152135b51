"""The forms of the page, from the registries: what can be chosen, its range, and what it means."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

# Keys of an experiment that the page offers; the others are for a YAML file.
_EXPERIMENT = ("tune.trials", "test.repeats", "tune.validate", "budget.evaluations")


@lru_cache(maxsize=1)
def forms() -> dict[str, Any]:
    """Figures of merit, schemes and settings of differential evolution, and the keys of an experiment."""
    from dataclasses import asdict

    from metagenx.fitting.schemes import ALL_SCHEMES, OWN_SCHEMES
    from metagenx.fitting.settings import describe
    from metagenx.genx.fom_functions import names

    options = [{**asdict(option), "kind": option.kind.__name__} for option in describe()]
    return {
        "foms": list(names()),
        "schemes": list(ALL_SCHEMES),
        "own_schemes": list(OWN_SCHEMES),
        "settings": options,
        "experiment": [_key(name) for name in _EXPERIMENT],
    }


def _key(name: str) -> dict[str, Any]:
    """A key of an experiment with its default, as the schema has it."""
    from metagenx.meta import experiment_schema as schema

    sections = {
        "tune": schema.TuneSection(),
        "test": schema.TestSection(),
        "budget": schema.BudgetSection(evaluations=schema.DEFAULT_EVALUATIONS),
    }
    section, _, key = name.partition(".")
    return {"name": name, "default": getattr(sections[section], key)}
