"""``settings.yaml``: the settings of the answer in GenX's names, and how to type them into GenX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metagenx.runs.files import write_atomically

if TYPE_CHECKING:
    from metagenx.fitting.settings import Settings


def genx_options(settings: Settings, n_dim: int) -> dict[str, Any]:
    """Options of GenX's solver section that come nearest to these settings for ``n_dim`` fitted parameters.

    GenX knows no cutoff and no stagnation: the cutoff becomes a limit of generations, and the rule on the
    parameters' spread becomes GenX's own minimum spread, which means the same.
    """
    options = settings.to_options(n_dim)
    limit = settings.evaluation_limit(n_dim)
    if limit is not None:
        generations = max(1, limit // settings.population_size(n_dim))
        if generations < settings.generation_limit(n_dim):
            options |= {"use_max_generations": True, "max_generations": generations}
    if settings.use_stagnation and options["min_parameter_spread"] == 0:
        options["min_parameter_spread"] = settings.stagnation_parameter_spread
    return options


def how_to_type(settings: Settings, n_dim: int) -> list[str]:
    """What to enter in GenX's solver settings, a line each, in words."""
    options = genx_options(settings, n_dim)
    lines = [f"Method: {options['create_trial']}", f"km: {options['km']:g}", f"kr: {options['kr']:g}"]
    if options["use_pop_mult"]:
        lines.append(f"Population size: relative, {options['pop_mult']}")
    else:
        lines.append(f"Population size: fixed, {options['pop_size']}")
    if options["use_max_generations"]:
        lines.append(f"Max generations: fixed, {options['max_generations']}")
    else:
        lines.append(f"Max generations: relative, {options['max_generation_mult']}")
    if options["min_parameter_spread"] > 0:
        lines.append(f"Minimum parameter spread: {options['min_parameter_spread']:g} %")
    return lines


_OWN = ("polish", "polish_interval", "polish_improvement", "jumps", "use_luby", "population_reduction", "min_pop_size")


def cautions(settings: Settings) -> list[str]:
    """What GenX cannot be told, and what follows from it."""
    from metagenx.fitting.settings import describe

    lines = []
    if settings.create_trial != "best_1_bin":
        lines.append(
            f"GenX 3.8.13 ignores the method and always runs best_1_bin; {settings.create_trial} runs in metagenx."
        )
    if settings.use_stagnation or settings.max_evaluations or settings.max_evaluation_mult:
        lines.append("GenX does not restart by itself: when a fit has stopped, start it again and keep the best.")
    hidden = [
        f"{option.name} {getattr(settings, option.name):g}"
        for option in describe()
        if option.origin == "constant"
        and settings.create_trial in option.schemes
        and getattr(settings, option.name) != option.default
    ]
    if hidden:
        lines.append(f"Fixed inside GenX, so only metagenx can use them: {', '.join(hidden)}.")
    ours = [
        f"{option.name}={getattr(settings, option.name)}"
        for option in describe()
        if option.name in _OWN and getattr(settings, option.name) != option.default
    ]
    if ours:
        typed = " ".join(f"--set {text}" for text in ours)
        lines.append(f"Only metagenx polishes, jumps and shrinks the population: metagenx fit FILE {typed}")
    return lines


def write_settings(path: Path, settings: Settings, n_dim: int, *, title: str) -> None:
    """Write ``settings.yaml``; ``title`` is the verdict in one line.

    Raises
    ------
    ResourcesSpent, InputError : the disk is full, the folder cannot be written.
    """
    import yaml

    from metagenx.fitting.settings import describe

    values = {option.name: getattr(settings, option.name) for option in describe()}
    comment = [
        "",
        "Type into GenX's solver settings:",
        *(f"  {line}" for line in how_to_type(settings, n_dim)),
    ]
    notes = cautions(settings)
    if notes:
        comment += ["", *notes]
    lines = [f"# {line}".rstrip() for line in [*" ".join(title.split()).splitlines(), *comment]]
    content = {
        "settings": values,
        "genx": genx_options(settings, n_dim),
    }
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    write_atomically(path, "\n".join(lines) + "\n\n" + body)
