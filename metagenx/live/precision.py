"""``--precision "thickness 0.5"``: which parameters are meant."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

from metagenx.errors import InputError
from metagenx.live.counting_time import Wanted

_KINDS = {"thickness": "setd", "roughness": "setsigma", "density": "setdens"}


def wanted_precisions(texts: Sequence[str], names: Sequence[str]) -> tuple[Wanted, ...]:
    """Parameters and the standard errors that are wanted.

    Parameters
    ----------
    texts : name and number each: the name of a row such as ``Fe.setD``, a part of one, or thickness, roughness or
        density, which mean all of their kind. A later one counts where two name the same parameter.
    names : of the fitted parameters.

    Raises
    ------
    InputError : no such parameter, no positive number.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.strip().rpartition(" ")
        try:
            precision = float(number.replace(",", "."))
        except ValueError:
            precision = math.nan
        if not name or not (precision > 0.0 and math.isfinite(precision)):
            raise InputError(
                f"{text!r} is no precision", hint='Write a parameter and its standard error: --precision "Fe.setD 0.5".'
            )
        for meant in _meant(name.strip(), names):
            found[meant] = precision
    return tuple(Wanted(name, precision) for name, precision in found.items())


def _meant(name: str, names: Sequence[str]) -> list[str]:
    folded = name.casefold()
    exact = [known for known in names if known.casefold() == folded]
    if exact:
        return exact
    kind = _KINDS.get(folded)
    if kind:
        found = [known for known in names if known.casefold().endswith(f".{kind}")]
    else:
        found = [known for known in names if folded in known.casefold()]
    if found:
        return found
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise InputError(
        f"no fitted parameter is called {name!r}",
        hint=f"{hint}Fitted are {', '.join(names)}; thickness, roughness and density mean all of their kind.",
    )
