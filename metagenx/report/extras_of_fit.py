"""What is made of a fit on request: profiles and MCMC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metagenx.fitting.api import Fit
    from metagenx.fitting.mcmc import Posterior
    from metagenx.fitting.problem import Problem
    from metagenx.fitting.profile_likelihood import Profile


def prepare_extras(problem: Problem, profiled: Sequence[str], mcmc: bool) -> None:
    """Find mistakes before the fit, not after it.

    Raises
    ------
    InputError : no fitted parameter of that name; bumps is asked for and not installed.
    """
    from metagenx.fitting.mcmc import check_installed
    from metagenx.fitting.profile_likelihood import number_of

    for name in profiled:
        number_of(problem.names, name)
    if mcmc:
        check_installed()


def extras_of_fit(
    fit: Fit, profiled: Sequence[str], mcmc: bool, *, say: Callable[[str], None]
) -> tuple[list[Profile], Posterior | None]:
    """Profiles of some parameters and the posterior of a fit; ``say`` hears why one cannot be made.

    None of an interrupted fit: who pressed Ctrl-C wants no more work.
    """
    from metagenx.errors import InputError
    from metagenx.fitting.interrupt import stop_on_ctrl_c

    profiles: list[Profile] = []
    posterior = None
    if fit.was_interrupted:
        if profiled or mcmc:
            say("the fit was interrupted: no profile and no MCMC")
        return profiles, posterior
    with stop_on_ctrl_c() as asked_to_stop:
        for name in profiled:
            if asked_to_stop():
                break
            try:
                profiles.append(fit.profile(name))
            except InputError as error:
                say(f"no profile of {name}: {error.what}")
    if mcmc:
        try:
            posterior = fit.mcmc()
        except InputError as error:
            say(f"no MCMC: {error.what}")
    return profiles, posterior
