"""What requests look like; the OpenAPI page is made from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Number = float | int | str | bool
_STRICT = ConfigDict(extra="forbid")


class RowChange(BaseModel):
    """One row of the parameter table with what was typed into it; what is missing stays as in the file."""

    model_config = _STRICT
    index: int = Field(ge=0, description="Number of the row, from 0, empty rows counted.")
    value: float | None = Field(None, allow_inf_nan=False)
    fit: bool | None = None
    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)


class SimulateRequest(BaseModel):
    """Simulate a file with other values."""

    model_config = _STRICT
    rows: list[RowChange] = Field(default_factory=list, max_length=2000)
    fom: str | None = Field(None, max_length=100)


class DataIntoFile(BaseModel):
    """Put the measurements of one file into the model of another."""

    model_config = _STRICT
    data: str = Field(max_length=64, description="Number of the file with the data, as the upload gave it.")


class JobRequest(BaseModel):
    """A job: what `metagenx fit`, `repeat` and `tune` are asked on the command line, in the same words."""

    model_config = _STRICT
    kind: Literal["fit", "repeat", "compare", "tune"]
    file: str = Field(max_length=64, description="Number of the file, as the upload gave it.")
    rows: list[RowChange] = Field(default_factory=list, max_length=2000)
    fom: str | None = Field(None, max_length=100, description="Figure of merit instead of the file's.")
    settings: dict[str, Number] = Field(
        default_factory=dict, max_length=100, description="Settings of differential evolution in GenX's names."
    )
    seed: int = Field(0, ge=0, lt=2**63)
    evaluations: int | None = Field(None, ge=1, le=10**12, description="fit: FOM evaluations of all restarts together.")
    as_in_file: bool = Field(False, description="fit: one run that ends where GenX's would.")
    n: int | None = Field(None, ge=2, le=10_000, description="repeat: independent fits.")
    perturb: float | None = Field(None, ge=0, le=1, description="repeat: how far start values move.")
    experiment: dict[str, Number] = Field(
        default_factory=dict, max_length=20, description="compare, tune: keys of the experiment, e.g. tune.trials."
    )

    def options(self) -> dict[str, Any]:
        """The job without kind and file; what was not given is left out."""
        found = self.model_dump(exclude_none=True, exclude={"kind", "file"})
        found["rows"] = [row.model_dump(exclude_none=True) for row in self.rows]
        return found
