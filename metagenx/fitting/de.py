"""Differential evolution, asked and told: the state is plain data, the caller evaluates.

A run is ``state = begin(...)``; then, until ``state.stop`` is set, ``tell(state, evaluate(ask(state)))``.
Selection is synchronous and strict: a trial vector replaces its target only if its FOM is smaller (in l_shade and jso
also if it is equal, as in their papers; cma_es has no targets); NaN and infinite FOMs never win. As in GenX the best
vector is simulated again after each generation (``check_interval``) and the run stops when its FOM has changed; that
candidate is asked for together with the next ones, or alone at the end. Every candidate asked for counts as one
evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metagenx.errors import InputError
from metagenx.fitting import cma_es, jso, l_shade, schemes
from metagenx.fitting.cma_es import CmaEs
from metagenx.fitting.evaluation_log import EvaluationLog
from metagenx.fitting.population_reduction import planned_size, survivors
from metagenx.fitting.problem import FloatArray, checked_bounds, checked_vector
from metagenx.fitting.settings import Settings
from metagenx.fitting.simplex import Simplex, start_simplex, tell_simplex
from metagenx.fitting.stagnation import converged, improved, stagnated
from metagenx.fitting.success_history import SuccessHistory, archived, halfway_inside
from metagenx.fitting.trace import thinned_log, thinned_trace

STOPS = (
    "stagnation",
    "max generations",
    "cutoff",
    "target",
    "spread",
    "discrepancy",
    "interrupted",
    "failed",
)


@dataclass
class State:
    """One run, between two evaluations.

    ``step`` says what ``candidates`` (n, n_dim) are: ``population``, ``trials``, ``simplex``, ``redrawn``
    (the result of a simplex that had left the bounds) or ``check``. With ``checking`` their first row is the
    best vector, simulated again. ``stop`` is None while the run goes on, then one of ``STOPS``.
    """

    settings: Settings
    bounds: FloatArray
    rng: np.random.Generator
    candidates: FloatArray
    population: FloatArray
    foms: FloatArray
    best: FloatArray
    log: EvaluationLog
    km: float
    kr: float
    span: FloatArray  # of the last trial vectors, (n_dim,): the simplex starts with a fraction of it
    best_fom: float = np.inf
    target: float | None = None
    start_fom: float = np.nan  # of the start guess, if the settings use one
    step: str = "population"
    generation: int = 0
    evaluations: int = 0
    checking: bool = False
    check_due: bool = False
    factors: FloatArray = field(default_factory=lambda: np.empty(0))
    crossover: FloatArray = field(default_factory=lambda: np.empty(0))
    simplex: Simplex | None = None
    history: SuccessHistory | None = None  # of l_shade and jso
    cma: CmaEs | None = None
    reference_fom: float = np.inf
    reference_generation: int = 0
    polished: FloatArray = field(default_factory=lambda: np.empty(0))  # best of what was polished, (n_dim,) or empty
    polished_fom: float = np.inf
    polished_from: float = np.inf  # best FOM of the population when it was last polished
    trace: list[tuple[int, float]] = field(default_factory=list)
    fom_log: list[tuple[int, float]] = field(default_factory=list)
    stopping: str | None = None
    stop: str | None = None
    failure: str | None = None
    seconds: float = 0.0

    @property
    def answer(self) -> tuple[FloatArray, float]:
        """The best vector ``(n_dim,)`` so far, of the population or polished, and its FOM."""
        if self.polished_fom < self.best_fom:
            return self.polished, self.polished_fom
        return self.best, self.best_fom


def begin(
    settings: Settings,
    bounds: FloatArray,
    *,
    initial: np.random.Generator,
    moves: np.random.Generator,
    start: FloatArray | None = None,
    target: float | None = None,
    names: Sequence[str] | None = None,
    initial_bounds: FloatArray | None = None,
) -> State:
    """A run before its first evaluation.

    Parameters
    ----------
    bounds : ``(n_dim, 2)``.
    initial : draws the population, row by row: with the same stream a smaller population is the beginning of
        a larger one.
    moves : draws everything else.
    start : ``(n_dim,)``, member 0 of the population if the settings use a start guess.
    target : the run ends when its best FOM is not above this.
    names : of the parameters, for messages.
    initial_bounds : ``(n_dim, 2)``, in which the population is drawn instead of the bounds.

    Raises
    ------
    InputError : unusable bounds; a start that is not finite, or outside the bounds while they are in force.
    """
    bounds = checked_bounds(bounds)
    n_dim = len(bounds)
    drawn = bounds if initial_bounds is None else checked_bounds(initial_bounds)
    lower, width = drawn[:, 0], drawn[:, 1] - drawn[:, 0]
    population = lower + width * initial.random((settings.population_size(n_dim), n_dim))
    if settings.use_start_guess and start is not None:
        population[0] = _checked_start(settings, bounds, start, names)
    return State(
        settings=settings,
        bounds=bounds,
        rng=moves,
        candidates=population.copy(),
        population=population,
        foms=np.full(len(population), np.inf),
        best=population[0].copy(),
        log=EvaluationLog(n_dim, settings.max_log_elements, settings.errorbar_level),
        km=settings.km,
        kr=settings.kr,
        history=_history(settings, n_dim),
        span=np.ptp(population, axis=0),
        target=target,
    )


def ask(state: State) -> FloatArray:
    """The candidates to be evaluated next, ``(n, n_dim)``; the same until they are told, none at the end."""
    return state.candidates.copy()


def tell(state: State, foms: FloatArray) -> None:
    """Go on with the FOMs ``(n,)`` of the candidates that were asked for."""
    foms = np.asarray(foms, dtype=float)
    if foms.shape != (len(state.candidates),):
        raise InputError(f"told FOMs of shape {foms.shape} for {len(state.candidates)} candidates")
    told = foms if np.isfinite(foms).all() else np.where(np.isfinite(foms), foms, np.inf)
    before = state.evaluations
    state.evaluations += len(told)
    if state.checking:
        state.checking = False
        if not abs(told[0] - state.best_fom) <= state.settings.allowed_fom_discrepancy:
            _discrepancy(state, float(foms[0]))
            return
        state.candidates, told, before = state.candidates[1:], told[1:], before + 1
    if state.step == "check":
        _finish(state)
        return
    state.log.append(state.candidates, told)
    _STEPS[state.step](state, told, before)


def take_in(state: State, vectors: FloatArray, foms: FloatArray, *, untold: int = 0) -> None:
    """Count and remember what was evaluated outside of ask and tell, between two generations or at the end.

    The best of it is kept beside the population, in ``state.polished``, until ``adopt``. At the target the run ends.

    Parameters
    ----------
    vectors, foms : ``(n, n_dim)`` and ``(n,)``, in the order in which they were evaluated.
    untold : so many more candidates were evaluated before them, of no interest.
    """
    state.evaluations += untold
    if not len(foms):
        return
    told = np.where(np.isfinite(foms), foms, np.inf)
    lowest = min(state.best_fom, state.polished_fom)
    running = np.minimum.accumulate(np.concatenate([[lowest], told]))
    better = np.flatnonzero(running[1:] < running[:-1])
    found = zip((better + state.evaluations + 1).tolist(), told[better].tolist(), strict=True)
    state.trace = thinned_trace([*state.trace, *found])
    state.evaluations += len(told)
    state.log.append(vectors, told)
    best = int(np.argmin(told))
    if told[best] < state.polished_fom:
        state.polished, state.polished_fom = vectors[best].copy(), float(told[best])
    if state.fom_log:
        state.fom_log[-1] = (state.generation, state.answer[1])
    if state.cma is None and improved(state.settings, state.polished_fom, state.reference_fom):
        state.reference_fom, state.reference_generation = state.polished_fom, state.generation
    if state.target is None or not state.polished_fom <= state.target:
        return
    adopt(state)
    if state.stop is not None:
        state.stop = "target"
    elif state.stopping is not None:
        state.stopping = "target"
    else:
        state.check_due, state.checking = state.checking or state.check_due, False
        _end(state, "target")


def adopt(state: State) -> None:
    """Put what was polished in the place of the best member, if it is better."""
    if not state.polished_fom < state.best_fom:
        return
    member = int(np.argmin(state.foms))
    state.best, state.best_fom = state.polished.copy(), state.polished_fom
    state.population[member], state.foms[member] = state.best, state.best_fom
    if state.checking:
        state.candidates[0] = state.best  # it is the best vector that is simulated again


def _end(state: State, reason: str) -> None:
    """End the run; if the best vector is to be checked, after that."""
    if state.best_fom < state.fom_log[-1][1]:
        _close_generation(state, state.generation + 1)  # a simplex had begun it
    state.stopping = reason
    state.simplex = None
    if state.check_due:
        state.check_due = False
        state.step, state.checking = "check", True
        state.candidates = state.best[None].copy()
    else:
        _finish(state)


def _finish(state: State) -> None:
    state.stop = state.stopping
    state.candidates = state.candidates[:0]


def _discrepancy(state: State, again: float) -> None:
    state.failure = (
        f"simulating the best vector again gave FOM {again!r} instead of {state.best_fom!r}; "
        "the script seems to remember earlier evaluations"
    )
    state.stopping = "discrepancy"
    _finish(state)


def _told_population(state: State, foms: FloatArray, before: int) -> None:
    state.foms = foms.copy()  # ours: the selection writes into it
    if state.settings.use_start_guess:
        state.start_fom = float(foms[0])
    if not np.isfinite(foms).any():
        state.failure = f"all {len(foms)} candidates of the first population have a FOM that is NaN or infinite"
        state.stopping = "failed"
        _finish(state)
        return
    _take_best(state, state.candidates, foms, before)
    _close_generation(state, 0)
    _go_on(state)


def _told_trials(state: State, foms: FloatArray, before: int) -> None:
    if state.cma is not None:
        cma_es.tell(state.cma, foms)
        state.population, state.foms = state.candidates, foms.copy()
    else:
        _select(state, foms)
    _take_best(state, state.candidates, foms, before)
    if state.settings.shrinks:
        _shrink(state)
    _close_generation(state, state.generation + 1)
    _go_on(state)


def _select(state: State, foms: FloatArray) -> None:
    """Let the better of target and trial live, and the scheme learn from it."""
    settings, history = state.settings, state.history
    success = foms < state.foms
    replaced = success
    if settings.create_trial == "jade_best":
        state.km, state.kr = schemes.jade_adapted(
            state.km, state.kr, state.factors, state.crossover, success, settings.c
        )
    elif history is not None:
        learn = l_shade.learn if settings.create_trial == "l_shade" else jso.learn
        learn(state.rng, history, state.population, state.foms, foms, state.factors, state.crossover, _room(state))
        replaced = (foms <= state.foms) & np.isfinite(foms)
    np.copyto(state.population, state.candidates, where=replaced[:, None])
    np.copyto(state.foms, foms, where=replaced)


def _shrink(state: State) -> None:
    """Let the worst members go, and the archive with them."""
    settings = state.settings
    size = planned_size(settings.population_size(len(state.bounds)), settings.min_pop_size, _progress(state))
    if size >= len(state.population):
        return
    kept = survivors(state.foms, size)
    state.population, state.foms = state.population[kept], state.foms[kept]
    if state.history is not None:
        state.history.archive = archived(state.rng, state.history.archive, state.population[:0], _room(state))


def _room(state: State) -> int:
    """Members of the archive at the most."""
    settings = state.settings
    share = settings.l_shade_archive if settings.create_trial == "l_shade" else settings.jso_archive
    return round(share * len(state.population))


def _told_simplex(state: State, foms: FloatArray, before: int) -> None:
    simplex = state.simplex
    assert simplex is not None
    tell_simplex(simplex, foms)
    if simplex.step != "done" and _affordable(state, len(simplex.candidates)):
        state.candidates = simplex.candidates
        return
    vector, fom = simplex.best
    state.simplex = None
    vector = vector.copy()
    if state.settings.use_boundaries and schemes.redraw_outside(state.rng, vector[None], state.bounds):
        _ask(state, "redrawn", vector[None])
        return
    _accept_polished(state, vector, fom)


def _told_redrawn(state: State, foms: FloatArray, before: int) -> None:
    _accept_polished(state, state.candidates[0], float(foms[0]))


def _accept_polished(state: State, vector: FloatArray, fom: float) -> None:
    """Put the result of a simplex in the place of the best member, if it is better; then the trials."""
    if fom < state.best_fom:
        member = int(np.argmin(state.foms))
        state.population[member], state.foms[member] = vector, fom
        _take_best(state, vector[None], np.array([fom]), state.evaluations - 1)
    if _reached(state):
        _end(state, "target")
    else:
        _ask(state, "trials", _trials(state))


_STEPS = {
    "population": _told_population,
    "trials": _told_trials,
    "simplex": _told_simplex,
    "redrawn": _told_redrawn,
}


def _take_best(state: State, vectors: FloatArray, foms: FloatArray, before: int) -> None:
    """Update best and trace; ``before`` evaluations had been made when the first of these was."""
    if not foms.min() < state.best_fom:
        return
    running = np.minimum.accumulate(np.concatenate([[state.best_fom], foms]))
    better = np.flatnonzero(running[1:] < running[:-1])
    found = zip((better + before + 1).tolist(), foms[better].tolist(), strict=True)
    state.trace.extend((count, fom) for count, fom in found if fom < state.polished_fom)
    state.trace = thinned_trace(state.trace)
    state.best, state.best_fom = vectors[better[-1]].copy(), float(foms[better[-1]])


def _close_generation(state: State, generation: int) -> None:
    state.generation = generation
    state.fom_log.append((state.generation, state.answer[1]))
    state.fom_log = thinned_log(state.fom_log)
    fom = state.best_fom if state.cma is None else state.cma.lowest_median
    if improved(state.settings, fom, state.reference_fom):
        state.reference_fom, state.reference_generation = fom, state.generation
    interval = state.settings.check_interval
    state.check_due = interval > 0 and generation > 0 and generation % interval == 0


def _go_on(state: State) -> None:
    """After a generation: end, or begin the next."""
    settings, n_dim = state.settings, len(state.bounds)
    idle = state.generation - state.reference_generation
    if _reached(state):
        _end(state, "target")
    elif converged(settings, state.population, state.bounds):
        _end_of_search(state, "spread")
    elif stagnated(settings, state.population, state.foms, state.bounds, idle) or _exhausted(state):
        _end_of_search(state, "stagnation")
    elif state.generation >= settings.generation_limit(n_dim) and not settings.counts_evaluations:
        _end(state, "max generations")
    elif _polishes(settings, state.generation + 1):
        tolerance = abs(state.best_fom) / settings.simplex_rel_epsilon
        steps = settings.simplex_step * state.span
        state.simplex = start_simplex(state.best, state.best_fom, steps, tolerance, settings.simplex_max_iter)
        _ask(state, "simplex", state.simplex.candidates)
    else:
        _ask(state, "trials", _trials(state))


def _end_of_search(state: State, reason: str) -> None:
    """Nothing more is to be found from here: the end, or a restart of CMA-ES."""
    settings, cma = state.settings, state.cma
    if cma is None or cma.descent >= settings.cma_restarts:
        _end(state, reason)
        return
    state.cma = cma_es.restarted(state.rng, cma, settings.cma_growth)
    state.reference_fom, state.reference_generation = np.inf, state.generation
    _ask(state, "trials", _trials(state))


def _exhausted(state: State) -> bool:
    return state.cma is not None and state.cma.finished


def _reached(state: State) -> bool:
    return state.target is not None and state.best_fom <= state.target


def _polishes(settings: Settings, generation: int) -> bool:
    return settings.create_trial == "simplex_best_1_bin" and generation % settings.simplex_interval == 0


def _ask(state: State, step: str, candidates: FloatArray) -> None:
    """Ask for candidates, and for the check that is due before them; or end if they cost too much."""
    if not _affordable(state, len(candidates)):
        by_cutoff = _limit(state) == state.settings.evaluation_limit(len(state.bounds))
        _end(state, "cutoff" if by_cutoff else "max generations")
        return
    state.step = step
    state.checking, state.check_due = state.check_due, False
    state.candidates = np.concatenate([state.best[None], candidates]) if state.checking else candidates


def _affordable(state: State, count: int) -> bool:
    """Whether so many more evaluations, and the last check behind them, stay within the limit."""
    limit = _limit(state)
    if limit is None:
        return True
    last = 1 if state.settings.check_interval > 0 else 0
    return state.evaluations + count + int(state.check_due) + last <= limit


def _limit(state: State) -> int | None:
    """Evaluations of a run at the most: the cutoff, or what the limit of generations means if they differ in size."""
    n_dim = len(state.bounds)
    if state.settings.counts_evaluations:
        return state.settings.evaluation_budget(n_dim)
    return state.settings.evaluation_limit(n_dim)


def _progress(state: State) -> float:
    """The share of the evaluations that is used up, 0 … 1."""
    return min(1.0, state.evaluations / state.settings.evaluation_budget(len(state.bounds)))


def _trials(state: State) -> FloatArray:
    """Trial vectors of the whole population, inside the bounds if they are in force."""
    if state.settings.create_trial == "cma_es":
        return _drawn(state)
    if state.history is not None:
        return _learnt_trials(state, state.history)
    settings, rng, population, best = state.settings, state.rng, state.population, state.best
    scheme = settings.create_trial
    if scheme in ("best_1_bin", "simplex_best_1_bin"):
        trials = schemes.best_1_bin(rng, population, best, state.km, state.kr)
    elif scheme == "rand_1_bin":
        trials = schemes.rand_1_bin(rng, population, state.km, state.kr)
    elif scheme == "best_either_or":
        trials = schemes.best_either_or(rng, population, best, state.km, state.kr, settings.pf)
    elif scheme == "rand_either_or":
        trials = schemes.rand_either_or(rng, population, state.km, state.kr, settings.pf)
    else:
        state.factors, state.crossover = schemes.jade_factors(rng, state.km, state.kr, len(population))
        trials = schemes.jade_best(rng, population, best, state.log.vectors, state.factors, state.crossover)
    if settings.use_boundaries:
        schemes.redraw_outside(rng, trials, state.bounds)
    if scheme == "simplex_best_1_bin":
        state.span = np.ptp(trials, axis=0)
    return trials


def _history(settings: Settings, n_dim: int) -> SuccessHistory | None:
    if settings.create_trial == "l_shade":
        return l_shade.begin(n_dim, settings.l_shade_memory)
    if settings.create_trial == "jso":
        return jso.begin(n_dim, settings.jso_memory)
    return None


def _learnt_trials(state: State, history: SuccessHistory) -> FloatArray:
    """Trial vectors of L-SHADE or jSO."""
    settings, rng, population, foms = state.settings, state.rng, state.population, state.foms
    if settings.create_trial == "l_shade":
        made = l_shade.trials(rng, history, population, foms, settings.l_shade_p_best)
    else:
        made = jso.trials(rng, history, population, foms, settings.jso_p_best, _progress(state))
    trials, state.factors, state.crossover = made
    if settings.use_boundaries:
        halfway_inside(trials, population, state.bounds)
    return trials


def _drawn(state: State) -> FloatArray:
    """Candidates of CMA-ES; the first descent starts at the best member of the first population."""
    lower, width = state.bounds[:, 0], state.bounds[:, 1] - state.bounds[:, 0]
    if state.cma is None:
        mean = (state.best - lower) / np.where(width > 0.0, width, 1.0)
        widest = cma_es.WIDEST if state.settings.use_boundaries else np.inf
        state.cma = cma_es.begin(mean, state.settings.cma_sigma, len(state.population), widest=widest)
        state.reference_fom = np.inf  # from now on another measure
    places = cma_es.ask(state.rng, state.cma)
    if not state.settings.use_boundaries:
        return lower + width * places
    return np.clip(lower + width * cma_es.folded(places), *state.bounds.T)  # lower + width may be rounded up


def _checked_start(
    settings: Settings, bounds: FloatArray, start: FloatArray, names: Sequence[str] | None
) -> FloatArray:
    start = checked_vector(start, len(bounds), "the start guess")
    outside = np.flatnonzero((start < bounds[:, 0]) | (start > bounds[:, 1]))
    if settings.use_boundaries and len(outside):
        rows = [(i, start[i], *bounds[i]) for i in outside.tolist()]
        where = ", ".join(
            f"{names[i] if names else f'parameter {i}'} = {value:g} is not in {low:g} … {high:g}"
            for i, value, low, high in rows
        )
        raise InputError(
            f"the start guess is outside the bounds ({where})",
            hint="Change the values or the limits, or switch use_start_guess or use_boundaries off.",
        )
    return start
