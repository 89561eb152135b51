"""New measurements into a model: matched with its data sets, in its coordinates, through its data commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from metagenx.errors import InputError
from metagenx.genx.data import DataSet, run_commands
from metagenx.genx.loaders.coordinates import ModelAxis, axes_of_model, converted
from metagenx.genx.loaders.formats import read_data
from metagenx.genx.loaders.measured import AXIS_NAMES, RESOLUTION, MeasuredSet, ReadData
from metagenx.genx.loaders.requests import DataRequest

if TYPE_CHECKING:
    from metagenx.genx.model import Model

_SAME_WAVELENGTH = 0.005  # relative
_ALIKE = 3.0  # ranges of x within this factor look like the same coordinate


@dataclass(frozen=True)
class NewData:
    """A model with new data, and what a user should know about how they got in.

    `said` are facts (what was read, detected, converted), `notices` what may be wrong.
    """

    model: Model
    reads: tuple[ReadData, ...]
    said: tuple[str, ...]
    notices: tuple[str, ...]


def put_data(model: Model, requests: Sequence[DataRequest]) -> NewData:
    """A copy of `model` whose data sets hold the measurements in the requested files.

    The files fill the data sets in order, or from the numbered one on; every measurement of a file is used. A set that
    is not asked for stays as it is. Q and 2θ are converted where the model's instrument names one wavelength. The
    data commands of the set then make its columns. Extra columns that the new file lacks are removed, because those
    of the old measurement would be wrong.

    Raises
    ------
    InputError : a file cannot be read; numbers of sets, coordinates or data commands do not fit.
    """
    from metagenx.genx.model import Model as GenxModel

    reads = [read_data(request.path, format=request.format, options=request.options) for request in requests]
    places = _places(model, requests, reads)
    axes = axes_of_model(model.namespace, model.file.script, len(model.data))
    said: list[str] = []
    notices: list[str] = []
    for read in reads:
        said += [read.summary, *(f"{read.path.name}: {sentence}" for sentence in read.detected)]
        notices += [f"{read.path.name}: {sentence}" for sentence in read.notices]
    file = model.file.with_results(fom_log=[], start_guess=[])
    for index, (read, measured) in sorted(places.items(), key=lambda item: item[0]):
        label = f"data set {index} {file.data[index].name!r}"
        fitting = _in_coordinates(
            measured, file.data[index], axes[index], f"{read.path.name} for {label}", said, notices
        )
        file.data[index] = _replaced(file.data[index], fitting, label, notices)
        run_commands(file.data[index], where=read.path.name)
        _check_result(file.data[index], read, label, notices)
        said.append(f"{label}: {len(file.data[index].x)} points of {read.path.name}{_commands(file.data[index])}")
    return NewData(GenxModel(file, trust=model.trust), tuple(reads), tuple(said), tuple(notices))


def _places(
    model: Model, requests: Sequence[DataRequest], reads: Sequence[ReadData]
) -> dict[int, tuple[ReadData, MeasuredSet]]:
    """Which measurement goes into which data set of the model; InputError explains a mismatch."""
    names = [dataset.name for dataset in model.data]
    has = f"the model has {len(names)} data set{'s' if len(names) != 1 else ''}"
    if names:
        has += f" ({', '.join(f'{index} {name!r}' for index, name in enumerate(names[:12]))})"
    in_order = [(read, item) for q, read in zip(requests, reads, strict=True) if q.index is None for item in read.sets]
    numbered = [request for request in requests if request.index is not None]
    places: dict[int, tuple[ReadData, MeasuredSet]] = {}
    for request, read in zip(requests, reads, strict=True):
        if request.index is None:
            continue
        for offset, item in enumerate(read.sets):
            place = request.index + offset
            if place >= len(names):
                held = f"{read.path.name} holds {len(read.sets)} measurement{'s' if len(read.sets) != 1 else ''}"
                raise InputError(
                    f"there is no data set {place}: {has}; {held}, from data set {request.index} on",
                    where=read.path.name,
                    hint=_how_to_pick(read),
                )  # fmt: skip
            if place in places:
                raise InputError(
                    f"data set {place} would be filled twice, by {places[place][0].path.name} and by {read.path.name}",
                    where=read.path.name, hint=_how_to_pick(read),
                )  # fmt: skip
            places[place] = (read, item)
    free = [index for index in range(len(names)) if index not in places]
    if in_order and (len(in_order) != len(free)):
        holds = ", ".join(f"{read.path.name} {len(read.sets)}" for read in reads)
        of = "left to fill" if numbered else ""
        what = f"{has}, {len(free)} {of}".rstrip() if numbered else has
        several = next((read for read in reads if len(read.sets) > 1), reads[0])
        hint = "Say where a file goes with --data 0=FILE; data sets that are not named keep their data."
        if len(in_order) > len(free):
            hint = f"{_how_to_pick(several)} " + hint
        raise InputError(f"{what}, but the files hold {len(in_order)} measurements (each file: {holds})", hint=hint)
    places |= dict(zip(free, in_order, strict=False))
    return places


def _how_to_pick(read: ReadData) -> str:
    if len(read.sets) < 2:
        return "Count data sets from 0."
    listed = ", ".join(f"{index} {item.name!r}" for index, item in enumerate(read.sets[:12]))
    return f"Pick one with {read.path.name}#NUMBER; it holds {listed}."


def _in_coordinates(
    measured: MeasuredSet, old: DataSet, model: ModelAxis, where: str, said: list[str], notices: list[str]
) -> MeasuredSet:
    """The measurement in the coordinates of the model; refuses what is not certain."""
    if old.x_command.strip() != "x":
        if measured.axis and model.axis:
            command = f"the data command {old.x_command!r} is applied to it as it is"
            notices.append(f"{where}: x is {AXIS_NAMES[measured.axis]}; {command}")
        return measured
    if not measured.axis:
        return _unnamed(measured, old, model, where, notices)
    if not model.axis or measured.axis == model.axis:
        _check_wavelength(measured, model, where, notices)
        return measured
    if {measured.axis, model.axis} != {"q", "2theta"}:
        raise InputError(
            f"x is {AXIS_NAMES[measured.axis]}, but the model's instrument {model.instrument} works in "
            f"{AXIS_NAMES[model.axis]}", where=where, hint="Is this the right file for this model?",
        )  # fmt: skip
    # An angle belongs to the wavelength it was measured with; the model's angle to that of its instrument.
    wavelength = measured.wavelength or model.wavelength if model.axis == "q" else model.wavelength
    if wavelength is None:
        raise InputError(
            f"x is {AXIS_NAMES[measured.axis]}, but the model's instrument {model.instrument} works in "
            f"{AXIS_NAMES[model.axis]}, and no single wavelength is known to convert it", where=where,
            hint=f"Convert the file to {AXIS_NAMES[model.axis]}, or change coords of the instrument in GenX.",
        )  # fmt: skip
    said.append(
        f"{where}: x converted from {AXIS_NAMES[measured.axis]} to {AXIS_NAMES[model.axis]} with a wavelength of "
        f"{wavelength:g} Å, because the model's instrument {model.instrument} works in that"
    )
    return converted(measured, model.axis, wavelength, where)


def _unnamed(measured: MeasuredSet, old: DataSet, model: ModelAxis, where: str, notices: list[str]) -> MeasuredSet:
    """A measurement whose file does not say what x is: the model's coordinate, unless the range speaks against it."""
    finite = old.x_raw[np.isfinite(old.x_raw)] if old.x_raw.size else old.x[np.isfinite(old.x)]
    before, now = float(np.max(np.abs(finite), initial=0.0)), float(np.max(np.abs(measured.x)))
    if (
        model.axis in ("q", "2theta")
        and model.wavelength
        and before > 0.0
        and not before / _ALIKE < now < before * _ALIKE
    ):
        other = "2theta" if model.axis == "q" else "q"
        limit = 4.0 * np.pi / model.wavelength
        try_q = limit * np.sin(np.radians(min(now, 180.0) / 2.0))
        try_angle = 2.0 * np.degrees(np.arcsin(min(1.0, now / limit)))
        as_other = try_q if other == "2theta" else try_angle
        looks = {"2theta" if model.axis == "q" else "q": as_other, "1/nm": now * 0.1 if model.axis == "q" else 0.0}
        for kind, value in looks.items():
            if before / _ALIKE < value < before * _ALIKE:
                raise InputError(
                    f"the file does not say what x is; it ends at {now:g}, where the data so far end at {before:g} "
                    f"({AXIS_NAMES[model.axis]}): it looks like {kind}", where=where,
                    hint=f"Say what it is: --data-x {kind}, or --data-x {'q' if model.axis == 'q' else '2theta'}.",
                )  # fmt: skip
    named = AXIS_NAMES[model.axis] if model.axis else "the same as before"
    notices.append(f"{where}: the file does not say what x is; it is taken as {named} (--data-x says otherwise)")
    return replace(measured, axis=model.axis)


def _check_wavelength(measured: MeasuredSet, model: ModelAxis, where: str, notices: list[str]) -> None:
    if measured.axis != "2theta" or measured.wavelength is None or model.wavelength is None:
        return
    if abs(measured.wavelength / model.wavelength - 1.0) > _SAME_WAVELENGTH:
        notices.append(
            f"{where}: measured with {measured.wavelength:g} Å by its file, but the model's instrument "
            f"{model.instrument} has {model.wavelength:g} Å; 2θ is taken as it is"
        )


def _replaced(old: DataSet, measured: MeasuredSet, label: str, notices: list[str]) -> DataSet:
    """The old data set (name, flags, commands, plot style) with the raw columns of the new measurement."""
    new, fresh = old.copy(), measured.dataset()
    new.x_raw, new.y_raw, new.error_raw = fresh.x_raw, fresh.y_raw, fresh.error_raw
    gone = sorted(set(old.extra_data_raw) | set(old.extra_data) - set(fresh.extra_data_raw))
    gone = [name for name in gone if name not in fresh.extra_data_raw]
    if gone:
        notices.append(
            f"{label} had the extra column{'s' if len(gone) > 1 else ''} {', '.join(gone)}, which the new file lacks: "
            "removed, as those of the old measurement would be wrong"
        )
    if RESOLUTION in fresh.extra_data_raw and RESOLUTION not in old.extra_data_raw:
        notices.append(f"{label} now has a resolution column, res; the model uses it only if its script does")
    new.extra_data_raw, new.extra_data = dict(fresh.extra_data_raw), dict(fresh.extra_data)
    new.extra_commands = {name: text for name, text in old.extra_commands.items() if name in new.extra_data_raw}
    new.y_sim, new.y_fom, new.meta = np.zeros(0), np.zeros(0), fresh.meta
    return new


def _check_result(dataset: DataSet, read: ReadData, label: str, notices: list[str]) -> None:
    if not dataset.x.size:
        raise InputError(
            f"{label} has no point left after the data command {dataset.x_command!r}", where=read.path.name,
            hint="The new measurement is shorter than the old one; change the command in GenX.",
        )  # fmt: skip
    if dataset.use and not np.isfinite(dataset.error).any():
        notices.append(f"{label} has no error bars: figures of merit that divide by them cannot be used")


def _commands(dataset: DataSet) -> str:
    usual = {"x": "x", "y": "y", "error": "e"}
    changed = [
        f"{name} = {text}"
        for name, default in usual.items()
        if (text := getattr(dataset, f"{name}_command").strip()) != default
    ]
    changed += [f"{name} = {text}" for name, text in dataset.extra_commands.items() if text.strip() != name]
    return f", by the data commands {'; '.join(changed)}" if changed else ""
