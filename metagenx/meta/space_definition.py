"""The automatic space of a run: defined once, kept in the run folder, so that a resumed run has the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from metagenx.fitting.settings import Settings
from metagenx.meta.automatic_proposals import EXPERIENCE, AutomaticProposals
from metagenx.meta.automatic_space import STUDY, DefinedSpace, ProblemShape, Taught, define_space
from metagenx.meta.filing import features_of_sample
from metagenx.meta.objective import Contender
from metagenx.meta.places import is_expressed, place
from metagenx.meta.preparation import Preparation
from metagenx.meta.space import Point
from metagenx.meta.space_experience import rows_of_store, shape_of, taught_by_store, taught_by_tables
from metagenx.runs import RunFolder

KEY = "defined_space"
PROBE_SHARE = 0.05  # most of the budget for a first look at a few settings
ALIKE = 0.5  # how unlike a problem may be whose best settings always race


def space_of_run(preparation: Preparation, evaluations: int, folder: RunFolder) -> DefinedSpace | None:
    """The space of a run as its folder has it, or defined now and kept there; None if it is not automatic."""
    if not is_automatic(preparation):
        return None
    kept = kept_space(preparation, folder)
    if kept is None:
        kept = defined_space(preparation, evaluations)
        folder.update_manifest(**{KEY: kept.to_json()})
    return kept


def kept_space(preparation: Preparation, folder: RunFolder) -> DefinedSpace | None:
    """The space as it was defined when the run began; None if its folder has none."""
    kept = folder.manifest().get(KEY)
    return DefinedSpace.from_json(preparation.experiment.space, kept) if isinstance(kept, dict) else None


def is_automatic(preparation: Preparation) -> bool:
    """Whether the space of an experiment defines itself."""
    return preparation.experiment.space.automatic and not preparation.experiment.settings


def defined_space(preparation: Preparation, evaluations: int) -> DefinedSpace:
    """The space for these samples and this budget, from what is known today.

    Raises
    ------
    InputError : a table that comes with metagenx is damaged.
    """
    experiment, base = preparation.experiment, preparation.baseline
    features = {sample: features_of_sample(preparation, sample) for sample in preparation.samples}
    shape = max((shape_of(features[sample]) for sample in preparation.real), key=lambda shape: shape.n_dim)

    def place_in_space(settings: Settings, n_dim: int) -> Point | None:
        space = experiment.space
        return place(space, settings, n_dim) if is_expressed(space, settings, base) else None

    rows = rows_of_store({found.problem for found in features.values()}, experiment.seed)
    from_store = taught_by_store(rows, place_in_space)
    taught = [*taught_by_tables(), *from_store]
    policy = preparation.tuner.space_policy
    defined = define_space(experiment.space, shape, evaluations, taught, policy, lessons=[STUDY])
    return dataclasses.replace(defined, best_of_store=_best(from_store, shape))


def _best(teachers: Sequence[Taught], shape: ProblemShape) -> Point | None:
    """The best setting of the most like problem on which any succeeded."""
    alike = [teacher for teacher in teachers if shape.distance(teacher.shape) <= ALIKE]
    for teacher in sorted(alike, key=lambda teacher: (shape.distance(teacher.shape), teacher.name)):
        trials = [trial for trial in teacher.trials if not trial.censored]
        if trials:
            return dict(min(trials, key=lambda trial: (trial.score, repr(sorted(trial.point.items())))).point)
    return None


def pinned_of_store(preparation: Preparation, defined: DefinedSpace) -> list[Contender]:
    """The store's best as a setting that always races; none if those that do anyway lie at the same place."""
    space, base, n_dim = preparation.experiment.space, preparation.baseline, preparation.n_dim
    point = defined.best_of_store
    if point is None or any(place(space, c.settings, n_dim) == point for c in preparation.pinned()):
        return []
    return [Contender(EXPERIENCE, space.settings(point, base), EXPERIENCE, point, pinned=True)]


def automatic_proposals(preparation: Preparation, defined: DefinedSpace) -> AutomaticProposals:
    """The proposals of a race in an automatic space."""
    return AutomaticProposals(
        defined,
        preparation.baseline,
        tuner=preparation.tuner,
        seed=preparation.experiment.seed,
        n_dim=preparation.n_dim,
    )
