"""What is in a store, problem by problem."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from metagenx.experience.store import Store


@dataclass(frozen=True)
class Summary:
    """A store in a table: one entry per problem, the latest first; files that could not be read."""

    folder: str
    problems: tuple[dict[str, Any], ...]
    damaged: dict[str, str]

    @property
    def n_runs(self) -> int:
        """Runs in the store."""
        return sum(int(problem["runs"]) for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"folder": self.folder, "runs": self.n_runs, "problems": list(self.problems), "damaged": self.damaged}

    @property
    def text(self) -> str:
        """The table for a terminal."""
        if not self.problems:
            return f"nothing yet in {self.folder}"
        head = ["problem", "name", "sample", "parameters", "runs", "settings", "evaluations", "best FOM", "last"]
        rows = [head] + [
            [
                problem["problem"][:8],
                problem["name"][:32],
                problem["sample"][:24],
                str(problem["n_parameters"]),
                f"{problem['runs']:,}",
                f"{problem['settings']:,}",
                f"{problem['evaluations']:,}",
                "none" if problem["best_fom"] is None else f"{problem['best_fom']:.6g}",
                problem["last"][:10],
            ]
            for problem in self.problems
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, f"{self.n_runs:,} runs in {self.folder}"])


def summary(store: Store) -> Summary:
    """What a store holds."""
    read = store.read()
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in read.rows:
        groups.setdefault(row["problem"], []).append(row)
    problems = []
    for problem, rows in groups.items():
        foms = [row["fom"] for row in rows if math.isfinite(row["fom"])]
        latest = max(rows, key=lambda row: row["when"])
        problems.append(
            {
                "problem": problem,
                "name": latest["name"],
                "sample": latest["sample"],
                "n_parameters": latest["n_parameters"],
                "n_points": latest["n_points"],
                "n_layers": latest["n_layers"],
                "runs": len(rows),
                "settings": len({row["settings"] for row in rows}),
                "evaluations": sum(row["evaluations"] for row in rows),
                "seconds": sum(row["seconds"] for row in rows if math.isfinite(row["seconds"])),
                "best_fom": min(foms, default=None),
                "last": latest["when"],
            }
        )
    problems.sort(key=lambda problem: (problem["last"], problem["problem"]), reverse=True)
    return Summary(str(store.folder), tuple(problems), read.damaged)
