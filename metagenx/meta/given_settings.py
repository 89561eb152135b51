"""Settings that an experiment lists one by one, to be compared instead of searched."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metagenx.fitting.settings import Settings, describe, mistakes_in
from metagenx.meta import quantities
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.objective import Contender
from metagenx.meta.space import SWITCHES

if TYPE_CHECKING:
    from metagenx.meta.race import Race

GIVEN = "given"
"""Origin of such a setting."""


def read_settings(values: Sequence[Mapping[str, Any]], mistakes: Mistakes) -> tuple[dict[str, Any], ...]:
    """What the experiment lists under ``settings``, each in GenX's names; mistakes are noted with their lines."""
    switches = {option.name for option in describe() if option.kind is bool}
    found = []
    for index, item in enumerate(values):
        good: dict[str, Any] = {}
        for name, value in item.items():
            if name in switches and isinstance(value, str):
                with contextlib.suppress(ValueError):  # said below, in the setting's own words
                    value = quantities.flag(value)
            for mistake in mistakes_in({name: value}):
                mistakes.add(("settings", index, name), mistake.message, mistake.suggestion)
            good[name] = value
        found.append(good)
    return tuple(found)


class GivenSettings:
    """Proposes to a :class:`~metagenx.meta.race.Race` what is listed: each once, in that order, s001, s002 …

    A setting that comes to the same as one before, or as the baseline, is left out; its number is not used again.
    """

    def __init__(self, settings: Sequence[Mapping[str, Any]], base: Settings) -> None:
        self.contenders = [
            Contender(f"s{number:03d}", _settings(values, base), GIVEN) for number, values in enumerate(settings, 1)
        ]

    def __call__(self, cohort: int, n: int, race: Race) -> list[Contender]:
        """Up to ``n`` of those that have not raced yet."""
        known = {contender.settings.hash() for contender in race.contenders.values()}
        found: list[Contender] = []
        for contender in self.contenders:
            if len(found) < n and contender.settings.hash() not in known:
                known.add(contender.settings.hash())
                found.append(contender)
        return found


def not_compared(settings: Sequence[Mapping[str, Any]], base: Settings, race: Race) -> str | None:
    """What a user should know, if the budget did not pay for all that he has listed."""
    raced = {contender.settings.hash() for contender in race.contenders.values()}
    missing = [c.name for c in GivenSettings(settings, base).contenders if c.settings.hash() not in raced]
    if not missing:
        return None
    names = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    return f"the budget did not pay for {len(missing)} of the {len(settings)} settings that are listed: {names}"


def _settings(values: Mapping[str, Any], base: Settings) -> Settings:
    """The base with these; options that decide whether one of them counts (``use_pop_mult`` …) follow it."""
    chosen = dict(values)
    for name in values:
        if name in SWITCHES:
            chosen.setdefault(*SWITCHES[name])
    return base.replace(**chosen)
