"""The sample of interdiff: layers whose interfaces are rough and interdiffused, and how the roughness correlates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metagenx.genx.models.base import ModelParamBase
from metagenx.genx.models.diffuse_simulation import OffSpecular, Specular
from metagenx.genx.models.electron_profile import SLD_calculations

__all__ = ["Layer", "Sample", "Stack"]

Array = NDArray[np.float64]


def _plain(array: Any) -> Any:
    return float(array) if np.ndim(array) == 0 else array


@dataclass
class Layer(ModelParamBase):
    """A homogeneous layer.

    Parameters
    ----------
    d : thickness, Å.
    dens : formula units per Å³.
    sigma : total root mean square roughness of the top interface, Å: √(σ_r² + sigmai²) of the correlated roughness
        and the interdiffusion.
    sigmai : the part of it that is interdiffusion, which scatters nothing diffusely, Å.
    f : x-ray scattering length, electrons per formula unit.

    Older versions of GenX had ``sigmar`` = σ_r in place of sigma. A layer that is given one (``Layer(sigmar=…)``,
    ``setSigmar``) keeps sigma² = sigmar² + sigmai².
    """

    d: float = 0.0
    dens: float = 1.0
    sigma: float = 5.0
    sigmai: float = 0.0
    f: complex = 1e-20j

    def __setattr__(self, name: str, value: Any) -> None:
        # Of sigma and sigmar the one that was set last counts.
        if name == "sigma":
            self.__dict__.pop("_sigmar", None)
        elif name == "_unknown_arguments" and "sigmar" in value:
            self.__dict__["_sigmar"] = value["sigmar"]
        super().__setattr__(name, value)

    @property
    def sigmar(self) -> Any:
        """The correlated roughness of older versions, Å; of a layer without one what sigma and sigmai make it."""
        if "_sigmar" in self.__dict__:
            return self.__dict__["_sigmar"]
        total, graded = np.asarray(self.sigma, dtype=float), np.asarray(self.sigmai, dtype=float)
        return _plain(np.sqrt(np.maximum(total**2 - graded**2, 0.0)))

    @sigmar.setter
    def sigmar(self, value: Any) -> None:
        self.__dict__["_sigmar"] = value

    def setSigmar(self, value: Any) -> None:
        """Set the correlated roughness of older versions."""
        self.sigmar = value

    def getSigmar(self) -> Any:
        """The correlated roughness of older versions."""
        return self.sigmar

    def _combine(self) -> None:
        """Make sigma the total of a layer that was given sigmar, now that sigmai is known too."""
        if "_sigmar" in self.__dict__:
            rough, graded = np.asarray(self.sigmar, dtype=float), np.asarray(self.sigmai, dtype=float)
            self.__dict__["sigma"] = _plain(np.sqrt(rough**2 + graded**2))


@dataclass
class Stack(ModelParamBase):
    """Layers, bottom → top, that repeat together; ``Repetitions`` is rounded to a whole number."""

    Layers: list[Layer] = field(default_factory=list)
    Repetitions: int = 1


@dataclass
class Sample(ModelParamBase):
    """Stacks, bottom → top, between a substrate and the ambient medium.

    Parameters
    ----------
    eta_z : distance over which interfaces replicate each other, Å.
    eta_x : correlation length of the roughness along the surface, Å.
    h : Hurst exponent of the roughness, 0 … 1 (jagged … smooth).
    """

    Stacks: list[Stack] = field(default_factory=list)
    Ambient: Layer = field(default_factory=Layer)
    Substrate: Layer = field(default_factory=Layer)
    eta_z: float = 100.0
    eta_x: float = 100.0
    h: float = 1.0

    def SimSpecular(self, x: ArrayLike, instrument: Any) -> Array:
        """Measured specular reflectivity, (n_points,) or (n_population, n_points)."""
        self._combine()
        return Specular(x, self, instrument)

    def SimOffSpecular(self, two_theta_or_qz: ArrayLike, theta_or_qx: ArrayLike, instrument: Any) -> Array:
        """Measured scattering off the specular condition, the specular peak included."""
        self._combine()
        return OffSpecular(two_theta_or_qz, theta_or_qx, self, instrument)

    def SimSLD(self, z: ArrayLike | None, item: str | None, instrument: Any) -> Any:
        """Profile of the electron density along the depth z in Å (None: chosen to fit)."""
        self._combine()
        return SLD_calculations(z, item, self, instrument)

    def _combine(self) -> None:
        layers: Iterable[Any] = (layer for stack in self.Stacks for layer in stack.Layers)
        for layer in (self.Substrate, *layers):
            if isinstance(layer, Layer):
                layer._combine()
