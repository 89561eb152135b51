"""The config of a GenX file: INI text, read tolerantly, edited line by line, and given types.

`parse` reads what Python's configparser would and survives what it would not. `edited` changes single
options in the text and leaves every other line as it is, GenX's multi-line ``[startup] script`` included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metagenx.genx.file import GenxFile

Options = dict[str, dict[str, str]]
OWN_SECTION = "metagenx"  # of the config: what only metagenx reads

_SECTION = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<name>[^=:]*?)\s*[=:]\s*(?P<value>.*)$", re.DOTALL)

# GenX 3.8.13's defaults (fact sheet 6.2, 6.6), by attribute name; the type of the default is the type of the
# option. `parallel_processes` has a default that depends on the machine, so it has none here.
DEFAULTS: dict[str, bool | int | float | str] = {
    "figure_of_merit": "log",
    "ignore_fom_nan": True,
    "ignore_fom_inf": True,
    "limit_fit_range": False,
    "fit_xmin": 0.0,
    "fit_xmax": 180.0,
    "km": 0.7,
    "kr": 0.7,
    "allowed_fom_discrepancy": 1e-10,
    "use_pop_mult": True,
    "pop_size": 50,
    "pop_mult": 3,
    "create_trial": "best_1_bin",
    "use_max_generations": False,
    "max_generations": 500,
    "max_generation_mult": 6,
    "min_parameter_spread": 0.0,
    "use_start_guess": True,
    "use_boundaries": True,
    "max_log_elements": 100_000,
    "use_parallel_processing": False,
    "parallel_processes": 1,
    "parallel_chunksize": 10,
    "use_autosave": False,
    "autosave_interval": 10,
    "save_all_evals": False,
    "errorbar_level": 1.05,
    "use_mpi": False,
}


@dataclass(frozen=True)
class _Entry:
    """One option and the lines of the text it fills, as ``[first, last)``."""

    section: str
    name: str
    value: str
    first: int
    last: int


def parse(text: str) -> tuple[Options, list[str]]:
    """Options of the INI `text` as section → option (lower case) → text, and notices about odd lines.

    A repeated section is merged, of a repeated option the last one counts, as in GenX.
    """
    entries, sections, notices = _scan(text)
    options: Options = {section: {} for section in sections}
    for entry in entries:
        options[entry.section][entry.name] = entry.value
    return options, notices


def edited(text: str, changes: Mapping[str, Mapping[str, str | None]]) -> str:
    """The INI `text` with some options set (or, for None, removed); every other line stays as it is."""
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    entries, sections, _ = _scan(text)
    replaced: dict[int, tuple[int, list[str]]] = {}
    added: dict[str, list[str]] = {}
    for section, options in changes.items():
        for name, value in options.items():
            found = [entry for entry in entries if entry.section == section and entry.name == name.lower()]
            new = [] if value is None else [_line(name, value, newline)]
            for entry in found[:-1]:
                replaced[entry.first] = (entry.last, [])
            if found:
                replaced[found[-1].first] = (found[-1].last, new)
            elif new:
                added.setdefault(section, []).extend(new)

    result: list[str] = []
    ends = {section: _end_of_section(lines, entries, section, start) for section, start in sections.items()}
    skip_until = 0
    for number in range(len(lines) + 1):
        for section, end in ends.items():
            if number == end and section in added:
                if result and not result[-1].endswith(("\n", "\r")):
                    result[-1] += newline
                result += added.pop(section)
        if number == len(lines):
            break
        if number in replaced:
            skip_until, new = replaced[number]
            result += new
        if number >= skip_until:
            result.append(lines[number])
    for section, new in added.items():
        if result and not result[-1].endswith(("\n", "\r")):
            result[-1] += newline
        result += ([newline] if result else []) + [f"[{section}]{newline}", *new]
    return "".join(result)


def format_value(value: object) -> str:
    """`value` as GenX writes it into its config: ``True``, ``50``, ``0.7``, ``best_1_bin``."""
    return repr(float(value)) if isinstance(value, float) else str(value)


def option_name(attribute: str) -> str:
    """The name in the config of an attribute: ``pop_mult`` → ``pop mult``."""
    return attribute.replace("_", " ")


def solver_options(file: GenxFile) -> dict[str, bool | int | float | str]:
    """Every solver option by attribute name (`km`, `pop_mult`, `figure_of_merit`, …): the file's or the
    default.

    `figure_of_merit` is the FOM in force: the config's if it names one, else the file's ``fomfunction``. A scheme that
    GenX does not know stands in a section of ours, where GenX does not look.
    """
    values, _ = typed_solver_options(file.options)
    values["figure_of_merit"] = file.fom_function
    values["create_trial"] = file.options.get(OWN_SECTION, {}).get("create trial") or values["create_trial"]
    return values


def typed_solver_options(options: Options) -> tuple[dict[str, bool | int | float | str], list[str]]:
    """Solver options with their types, and a notice for every value that is not of its type (and not
    used)."""
    section = options.get("solver", {})
    values, notices = dict(DEFAULTS), []
    for name, default in DEFAULTS.items():
        text = section.get(option_name(name))
        if text is None:
            continue
        value = typed(text, default)
        if value is None:
            notices.append(
                f"the option '{option_name(name)} = {text[:40]}' is not {_WORDS[type(default)]}; "
                f"GenX's default {format_value(default)} is used"
            )
        else:
            values[name] = value
    return values, notices


_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a name"}
_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def typed(text: str, default: bool | int | float | str) -> bool | int | float | str | None:
    """The value of the option `text` in the type of its `default`; None if it is not of that type."""
    if isinstance(default, bool):
        return _BOOLEANS.get(text.strip().lower())
    if isinstance(default, str):
        return text.strip() or None
    try:
        number = float(text)
    except ValueError:
        return None
    if isinstance(default, float):
        return None if math.isnan(number) else number
    return int(number) if math.isfinite(number) and number == int(number) else None


def _line(name: str, value: str, newline: str) -> str:
    # A continuation line must be indented, or it would read as an option of its own.
    return f"{name} = " + value.replace("\r\n", "\n").replace("\n", newline + "\t") + newline


def _scan(text: str) -> tuple[list[_Entry], dict[str, int], list[str]]:
    """Entries in order, the line on which each section first starts, and notices."""
    entries: list[_Entry] = []
    sections: dict[str, int] = {}
    notices: list[str] = []
    section: str | None = None
    open_name: str | None = None
    open_values: list[str] = []
    open_first = open_indent = 0

    def close(last: int) -> None:
        nonlocal open_name
        if open_name is not None and section is not None:
            entries.append(_Entry(section, open_name, "\n".join(open_values).rstrip(), open_first, last))
        open_name = None

    last_filled = 0
    for number, raw in enumerate(text.splitlines()):
        line = raw.strip()
        if not line:
            open_values.append("")
            continue
        if line[0] in "#;":
            continue
        indent = len(raw) - len(raw.lstrip())
        if open_name is not None and indent > open_indent:
            open_values.append(line)
            last_filled = number + 1
            continue
        close(last_filled)
        header = _SECTION.match(line)
        option = _OPTION.match(line)
        if header:
            section = header["name"]
            sections.setdefault(section, number)
        elif section is None or option is None or not option["name"].strip():
            notices.append(f"line {number + 1} of the config is not understood and was left out: {line[:60]!r}")
        else:
            open_name, open_values = option["name"].strip().lower(), [option["value"].strip()]
            open_first, open_indent, last_filled = number, indent, number + 1
    close(last_filled)
    return entries, sections, notices


def _end_of_section(lines: list[str], entries: list[_Entry], section: str, start: int) -> int:
    """Where a new option of `section` goes: behind the last one of its first block."""
    end = start + 1
    for entry in entries:
        if (
            entry.section == section
            and entry.first >= end
            and not any(_SECTION.match(line.strip()) for line in lines[end : entry.first] if line[:1] == "[")
        ):
            end = entry.last
    return end
