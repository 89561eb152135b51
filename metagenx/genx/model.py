"""A GenX model: the file, its script, its parameter table and its data, ready to be simulated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from metagenx.errors import InputError, ScriptError
from metagenx.genx import file as genx_file
from metagenx.genx.data import DataList
from metagenx.genx.fom import FigureOfMerit
from metagenx.genx.grid import ParameterGrid
from metagenx.genx.models.user_variables import UserVars, departures, has_systematic_errors, penalties
from metagenx.genx.options import solver_options
from metagenx.genx.script import ScriptModule

if TYPE_CHECKING:
    import pandas as pd

    from metagenx.genx.models.recording import Recorder
    from metagenx.genx.population import ModelProblem


def load(path: str | PathLike[str], *, trust: bool = False) -> Model:
    """Read a .hgx or .gx file and make its model ready to run.

    Parameters
    ----------
    path : the file, as it comes from the GenX GUI.
    trust : run a script that leaves the safe subset (it is a program from whoever made the file).

    Raises
    ------
    FileFormatError : the file is missing, damaged or not GenX's.
    ScriptRefused : the script leaves the safe subset and is not trusted.
    ScriptError : the script cannot be compiled or run.
    """
    return Model(genx_file.read(Path(path)), trust=trust)


class Model:
    """A GenX file as a runnable model.

    Attributes
    ----------
    file : the file as read; never changed by simulations or fits.
    notices : what a user should know about how the file was read and mended.
    """

    def __init__(self, file: genx_file.GenxFile, *, trust: bool = False) -> None:
        self.file = file
        self.trust = trust
        self._instance = ModelInstance(file, trust=trust)

    @property
    def name(self) -> str:
        """The file's name without its folder and ending."""
        return self.file.path.stem if self.file.path else "model"

    @property
    def notices(self) -> list[str]:
        """What a user should know about how the file was read and mended."""
        seen = dict.fromkeys([*self.file.notices, *self._instance.script.notices])
        return list(seen)

    @property
    def options(self) -> dict[str, Any]:
        """The file's solver section, in attribute names (``km``, ``use_boundaries``, …), GenX's defaults filled in."""
        return solver_options(self.file)

    @property
    def fom_function(self) -> str:
        """Name of the figure of merit in force: the option of the solver section, else the stored function."""
        return self.file.fom_function

    @property
    def data(self) -> DataList:
        """The data sets, as stored in the file."""
        return self.file.data

    @property
    def parameters(self) -> pd.DataFrame:
        """The parameter table: name, value, fit, min, max, error; empty rows of the grid are left out."""
        import pandas as pd

        rows = [(r.name, r.value, r.fit, r.minimum, r.maximum, r.error) for r in self.file.table if r.name.strip()]
        return pd.DataFrame(rows, columns=["name", "value", "fit", "min", "max", "error"])

    def simulate(self, values: Mapping[str, float] | None = None) -> list[np.ndarray]:
        """Simulate every data set with the values of the table.

        Parameters
        ----------
        values : other values for some rows, by name.

        Returns
        -------
        one array (n_points,) per data set.
        """
        return self._instance.simulate(values)

    def fom(self, name: str | None = None, *, values: Mapping[str, float] | None = None) -> float:
        """Figure of merit of the table's values.

        Parameters
        ----------
        name : one of the registered functions; default: the one stored in the file.
        values : other values for some rows, by name.
        """
        simulations = self._instance.simulate(values)
        return float(self.figure_of_merit(name).total(simulations, self.penalty()))

    def figure_of_merit(self, name: str | None = None) -> FigureOfMerit:
        """The figure of merit of this file's data and options, prepared for many evaluations."""
        return self._instance.figure_of_merit(name or self.fom_function, self.options)

    def warm_figure_of_merit(self) -> None:
        """Compile what the figure of merit needs, on the data alone: work for while the kernel of slabs is compiled."""
        with contextlib.suppress(InputError):
            self.figure_of_merit().total([dataset.y for dataset in self.data])

    def penalty(self) -> float:
        """What the script's systematic errors add to the FOM."""
        return float(self._instance.penalty())

    @property
    def namespace(self) -> Mapping[str, Any]:
        """Names of the script, as the last simulation left them."""
        return self._instance.script.namespace

    def within_limits(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(*args)``, which looks at objects of the script: within its limits of time and memory."""
        return self._instance.script.within_limits(function, *args)

    def sld(self, values: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
        """Scattering length density profiles, one dictionary per entry of the script's ``SLD`` list."""
        self._instance.simulate(values)
        found: list[dict[str, Any]] = self.within_limits(_profiles, self._instance.script.namespace)
        return found

    def problem(self, fom: str | None = None) -> ModelProblem:
        """What a fit optimises: fitted rows, their bounds, and a whole population evaluated at once."""
        from metagenx.genx.population import ModelProblem

        return ModelProblem(self, fom=fom)

    def with_values(self, values: Mapping[str, float] | Sequence[float]) -> Model:
        """A copy of this model with other values in its table.

        Parameters
        ----------
        values : by row name, or in the order of the fitted rows.
        """
        return self.with_results(values=values)

    def with_results(self, **results: Any) -> Model:
        """A copy of this model that holds the results of a fit; parameters as in `GenxFile.with_results`."""
        return Model(self.file.with_results(**results), trust=self.trust)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the model as .hgx, with its simulation, so that GenX opens it; returns the path.

        Raises
        ------
        InputError, ResourcesSpent : the folder cannot be written, the disk is full.
        """
        simulations = self.simulate()
        point_foms = self.figure_of_merit().pointwise(simulations)
        genx_file.write(self.file.with_results(simulations=simulations, point_foms=point_foms), Path(path))
        return Path(path)

    def __repr__(self) -> str:
        n_fitted = len(self._instance.grid.fitted_names)
        return f"<Model {self.name}: {len(self.data)} data sets, {n_fitted} fitted parameters, FOM {self.fom_function}>"


class ModelInstance:
    """One running copy of a model: a script's namespace with its own state, and the table bound to it."""

    def __init__(self, file: genx_file.GenxFile, *, trust: bool) -> None:
        self.file = file
        self.data = file.data.copy()
        self.script = ScriptModule(file.script, self.data, trust=trust, file=str(file.path or "model"))
        self.grid = ParameterGrid(file.table, self.script)
        # The name of the variables whose systematic errors count; False: to be looked for.
        self._variables: str | Literal[False] | None = False

    def simulate(self, values: Mapping[str, float] | None = None) -> list[np.ndarray]:
        """Apply all rows in table order, then run ``Sim`` with ``_sim`` set."""
        self.grid.apply_all(values)
        return self.script.simulate(self.data, sim_flag=True)

    def simulate_fitted(self, columns: np.ndarray) -> list[np.ndarray]:
        """Set the fitted rows only and run ``Sim`` as in a fit.

        Parameters
        ----------
        columns : (n_dim,) for one candidate, or (n_population, n_dim) for a population.
        """
        self.grid.apply_fitted(columns)
        return self.script.simulate(self.data, sim_flag=False)

    def simulate_each(self, vectors: np.ndarray, recorder: Recorder) -> list[tuple[list[Any], Any] | InputError]:
        """Run ``Sim`` for one candidate after the other, as in a fit, with simulations that are only recorded.

        Parameters
        ----------
        vectors : (n, n_dim).

        Returns
        -------
        per candidate its simulations, arrays or `recording.Curve`, and its penalty; or what went wrong with it.

        Raises
        ------
        ScriptTimeout : a candidate runs too long.
        """

        def prepare(i: int) -> None:
            self.grid.apply_fitted(vectors[i])

        def ask() -> Any:
            if any(now is not before for now, before in zip(self._seen_data(), seen, strict=True)):
                raise ScriptError("the script replaces data, with which the other candidates are compared too")
            return self.penalty()

        seen = self._seen_data()
        return self.script.simulate_each(self.data, recorder, len(vectors), prepare, ask)

    def _seen_data(self) -> list[Any]:
        return [values for d in self.data for values in (d.x, d.y, d.error, d.use)]

    def penalty(self) -> Any:
        """What systematic errors add to the FOM: a number, or (n_population, 1).

        As in GenX only the first UserVars object of the script counts.
        """
        namespace = self.script.namespace
        name = self._variables
        if name is False or (name is not None and not isinstance(namespace.get(name), UserVars)):
            name = _name_of_variables(namespace)
            # A script that makes global variables while it simulates may make another the first.
            if not self.script.trust and "global" not in self.script.text:
                self._variables = name
        if name is None or not has_systematic_errors(namespace[name]):
            return 0.0
        return self.script.within_limits(_penalty, namespace[name])

    def departures(self) -> tuple[list[Any], list[float]]:
        """What `penalty` is made of: departures in errors, each a number or (n_population, 1), and their weights."""
        found: tuple[list[Any], list[float]] = self.script.within_limits(_departures, self.script.namespace)
        return found

    def figure_of_merit(self, name: str, options: Mapping[str, Any]) -> FigureOfMerit:
        """The figure of merit prepared for this instance's data."""
        return FigureOfMerit(name, self.data, n_fitted=self.grid.n_fit_flags, options=options)


def _name_of_variables(namespace: Mapping[str, Any]) -> str | None:
    return next((name for name, value in namespace.items() if isinstance(value, UserVars)), None)


def _penalty(variables: UserVars) -> Any:
    return sum(penalties(variables), 0.0)


def _departures(namespace: Mapping[str, Any]) -> tuple[list[Any], list[float]]:
    name = _name_of_variables(namespace)
    return ([], []) if name is None else departures(namespace[name])


def _profiles(namespace: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(profile) for profile in namespace.get("SLD", []) if isinstance(profile, Mapping)]
