"""The instrument of spec_adaptive: that of spec_nx, and a magnetic field at the sample."""

from __future__ import annotations

from dataclasses import dataclass

from metagenx.genx.models.base import AlternativeStrEnum
from metagenx.genx.models.instrument import Instrument as PlainInstrument

__all__ = ["Instrument", "Zeeman"]


class Zeeman(AlternativeStrEnum):
    """What a magnetic field does to spin flip: nothing, refract, or also turn the beams of flipped neutrons."""

    none = "no corr"
    field_only = "field only"
    plus = "SF q (+)"
    minus = "SF q (-)"


@dataclass
class Instrument(PlainInstrument):
    """An instrument, as GenX's ``Instrument`` of spec_adaptive; all other fields are those of spec_nx.

    Parameters
    ----------
    zeeman : correction for the field; for the probe ``neutron pol spin flip`` only. With ``SF q (+)`` and ``SF q (-)``
        the Q of ud and du is that of the neutrons whose energy has changed with their spin.
    mag_field : field at the sample, T.
    """

    zeeman: Zeeman = Zeeman.none
    mag_field: float = 0.0
