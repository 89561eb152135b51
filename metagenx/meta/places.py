"""Where settings from elsewhere lie in a search space, by what they come to: 50 members are a multiple too."""

from __future__ import annotations

from metagenx.fitting.api import evaluations_of_full_run
from metagenx.fitting.settings import Settings, describe
from metagenx.meta.space import Point, SearchSpace

_STRATEGY = ("polish", "jumps", "use_luby", "population_reduction")


def place(space: SearchSpace, settings: Settings, n_dim: int) -> Point:
    """The nearest point for a problem with ``n_dim`` fitted parameters; it may be forbidden."""
    full = evaluations_of_full_run(settings, n_dim)
    population, limit = settings.population_size(n_dim), longest_fit(settings, n_dim)
    meant = {
        "pop_mult": population / n_dim,
        "pop_size": population,
        "max_generations": settings.generation_limit(n_dim),
        "max_generation_mult": settings.generation_limit(n_dim) / (n_dim * population),
        "max_evaluations": min(limit, full),
        "max_evaluation_mult": min(limit, full) / n_dim**3,
    }
    values = {option.name: getattr(settings, option.name) for option in describe()}
    return space.clip({**values, **meant})


def longest_fit(settings: Settings, n_dim: int) -> int:
    """Most evaluations of one fit."""
    full = evaluations_of_full_run(settings, n_dim)
    return min(settings.evaluation_limit(n_dim) or full, full)


def is_expressed(space: SearchSpace, settings: Settings, base: Settings) -> bool:
    """Whether a space knows of the strategy of settings, so that a point can stand for them."""
    scheme = space.parameters.get("create_trial")
    if scheme is not None and not scheme.contains(settings.create_trial):
        return False
    return all(name in space.names or getattr(settings, name) == getattr(base, name) for name in _STRATEGY)
