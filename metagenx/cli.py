"""The command line: parse, call, print, exit code; no logic.

Nothing heavy is imported before a command needs it, so that ``metagenx --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from metagenx import __version__
from metagenx.errors import (
    EXIT_BAD_INPUT,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_NOT_REACHED,
    EXIT_REACHED,
    EXIT_SPENT,
    ConfigError,
    MetagenxError,
    Notice,
)
from metagenx.supervisor import die_with_parent, farewell, may_supervise, supervised

if TYPE_CHECKING:
    from metagenx.genx.loaders import DataRequest
    from metagenx.genx.model import Model
    from metagenx.report.terminal import Screen

EXIT_CODES = """\b
Exit codes:
  0    done and reached          3    done, but not reached
  4    budget or resources spent, resumable
  2    bad input (all mistakes are listed)
  1    internal error            130  interrupted; nothing is lost"""

Command = Callable[..., int]


class Group(click.Group):
    """A group whose mistakes on the command line obey --json and our exit codes too."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **options: Any) -> Any:
        """Run, and turn whatever happens into an exit code."""
        try:
            die_with_parent()
            as_program = {"obj": {"is_program": args is None}, **options, "standalone_mode": False}
            code: Any = super().main(args, *others, **as_program)
        except click.exceptions.Exit as stop:
            code = stop.exit_code
        except click.ClickException as mistake:
            if "--json" in (sys.argv if args is None else args):
                _print_json({"error": {"kind": "usage", "message": mistake.format_message()}})
            mistake.show(file=sys.stderr)
            code = EXIT_BAD_INPUT
        except click.Abort:
            code = EXIT_INTERRUPTED
        code = code if isinstance(code, int) else EXIT_REACHED
        farewell(code)
        if args is None:
            gc.freeze()  # memory goes with the process; looking through it for cycles would take a third of a second
        sys.exit(code)


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, prog_name="metagenx")
def main() -> None:
    """Fit X-ray and neutron reflectivity, and find out how to fit it.

    \b
    metagenx inspect film.hgx            what is in the file; same numbers as GenX?
    metagenx fit film.hgx -o out.hgx     one fit
    metagenx repeat film.hgx -n 50       do independent fits agree?
    metagenx batch scans/ -m film.hgx    many data sets, one model, one table
    metagenx tune experiments/film.yaml  which settings fit it best?
    metagenx metatune experiments/tuner.yaml  which settings of the tuner?
    metagenx live data/ -m film.hgx      at the instrument: follow a measurement
    metagenx serve                       all that in a web page
    """


def command(
    name: str, *options: Callable[[Command], Command], writes: bool = False, group: click.Group | None = None
) -> Callable[[Command], click.Command]:
    """A command of ours: the common options, errors as messages, and an exit code.

    The function gets ``screen`` (where to print) and its own options, prints its result through ``screen.result`` and
    returns the exit code.
    """

    def decorate(function: Command) -> click.Command:
        @functools.wraps(function)
        def run(*, as_json: bool, quiet: bool, verbose: bool, no_color: bool, **arguments: Any) -> int:
            return _run(function, as_json, quiet, verbose, no_color, arguments)

        decorated: Any = run
        common: list[Any] = [
            click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, all else on stderr."),
            click.option("-q", "--quiet", is_flag=True, help="Only the result."),
            click.option("-v", "--verbose", is_flag=True, help="More, and tracebacks of internal errors."),
            click.option("--no-color", is_flag=True, help="No colours."),
        ]
        if writes:
            common += [
                click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting."),
                click.option("--dry-run", is_flag=True, help="Say what would be done, and stop."),
            ]
        for option in reversed([*options, *common]):
            decorated = option(decorated)
        return (group or main).command(name)(decorated)

    return decorate


def _run(
    function: Command, as_json: bool, quiet: bool, verbose: bool, no_color: bool, arguments: dict[str, Any]
) -> int:
    for name in _THREADS:  # before numpy is imported: runs share the cores out, not the libraries below them
        os.environ.setdefault(name, "1")
    from metagenx.report.terminal import Screen

    screen = Screen(as_json=as_json, quiet=quiet, color=False if no_color else None)
    try:
        with _notices_as_notes(screen):
            return function(screen=screen, **arguments)
    except MetagenxError as error:
        screen.error(_described(error), str(error))
        return error.exit_code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # we are leaving; one more Ctrl-C would only spoil the exit code
        screen.error({"kind": "Interrupted", "message": "interrupted"}, "interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_REACHED
    except click.ClickException:
        raise
    except Exception as error:
        if _is_interrupted(error):
            screen.error({"kind": "Interrupted", "message": "interrupted"}, "interrupted")
            return EXIT_INTERRUPTED
        log = _log_of_internal_error(verbose)
        message = f"internal error, which is our fault, not yours: {type(error).__name__}: {error}"
        screen.error({"kind": "internal", "message": message, "log": log}, f"{message}\n  Please report it with {log}")
        return EXIT_INTERNAL


def _is_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: what it meets while a compiled module is imported says ImportError."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def _notices_as_notes(screen: Screen) -> Iterator[None]:
    """Print our own warnings as notes; those of others stay as they are."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *others: Any, **options: Any) -> None:
        if issubclass(category, Notice):
            screen.note(f"! {message}")
        else:
            before(message, category, *others, **options)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def _described(error: MetagenxError) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": type(error).__name__, "message": error.what, "where": error.where}
    described |= {"hint": error.hint, "exit_code": error.exit_code}
    if isinstance(error, ConfigError):
        described["mistakes"] = [vars(mistake) for mistake in error.mistakes]
    return described


def _log_of_internal_error(verbose: bool) -> str:
    """Write the traceback of the current exception where it can be found again; returns the path."""
    import tempfile
    import traceback

    if verbose:
        traceback.print_exc()
    handle, path = tempfile.mkstemp(prefix="metagenx-error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        log.write(f"metagenx {__version__}, {sys.version}\n{sys.argv}\n")
        traceback.print_exc(file=log)
    return path


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=True, default=str))


_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

FILE = click.argument("file", type=click.Path(path_type=Path))
TRUST = click.option("--trust", is_flag=True, help="Run a script that leaves the safe subset: it is a program.")
FOM = click.option("--fom", help="Figure of merit, instead of the file's.")
SEED = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="One number for all.")
WORKERS = click.option("--workers", type=click.IntRange(min=1), help="Processes; default: all cores.")
OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True,
    help="Where the run folder goes.",
)  # fmt: skip
RESUME = click.option(
    "--resume/--new", default=True, show_default=True, help="Go on with the last run of the same, or begin anew."
)


def data_options(function: Command) -> Command:
    """The options that put new measurements into a model; the command gets them together, as ``data``."""

    @functools.wraps(function)
    def run(
        *,
        data_files: tuple[str, ...],
        data_format: str | None,
        data_x: str | None,
        data_columns: str | None,
        **others: Any,
    ) -> int:
        return function(data=_Data(data_files, data_format, data_x, data_columns), **others)

    decorated: Any = run
    for option in (
        click.option("--data-columns", metavar="NAMES", help="Columns of the data: x,y,error,res; - leaves one out."),
        click.option("--data-x", metavar="KIND", help="What x of the data is: q, 1/nm, 2theta, theta."),
        click.option("--data-format", metavar="NAME", help="Format of the data, if it is not recognised."),
        click.option("--data", "data_files", multiple=True, metavar="[N=]FILE",
                     help="New measurement for data set N (from 0), or the next; FILE#NAME picks one of several."),
    ):  # fmt: skip
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


class _Data(NamedTuple):
    """What was asked for with --data and its companions."""

    files: tuple[str, ...] = ()
    format: str | None = None
    x: str | None = None
    columns: str | None = None

    def requests(self) -> list[DataRequest]:
        if not self.files:
            if any(self[1:]):
                raise click.UsageError("--data-format, --data-x and --data-columns need --data FILE.")
            return []
        from metagenx.genx.loaders import requests_from

        return requests_from(self.files, format=self.format, x=self.x, columns=self.columns)


def _load(file: Path, trust: bool, screen: Screen, data: _Data | None = None) -> Model:
    from metagenx.genx.model import load
    from metagenx.genx.sandbox.deadline import end_process_when_stuck
    from metagenx.physics.compile_beside import compile_beside

    end_process_when_stuck(timer=False)
    compiling = compile_beside()  # before the file is read: at the very first start there is much to do
    model = load(file, trust=trust)
    if compiling is not None:
        model.warm_figure_of_merit()
    for notice in model.notices:
        screen.note(notice)
    requests = data.requests() if data else []
    if requests:
        from metagenx.genx.loaders import put_data

        new = put_data(model, requests)
        for sentence in (*new.said, *new.notices):
            screen.note(sentence)
        model = new.model
    return model


def _percent(context: click.Context, option: click.Parameter, value: str) -> float:
    try:
        number = float(value.strip().removesuffix("%")) / (100.0 if value.strip().endswith("%") else 1.0)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a part such as 10% or 0.1") from None
    if not 0.0 <= number <= 1.0:
        raise click.BadParameter(f"{value!r} is not between 0% and 100%")
    return number


def _count(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    text = value.strip().lower().replace("_", "")
    factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:], 1)
    try:
        number = float(text.rstrip("km")) * factor
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number such as 40000 or 40k") from None
    if number < 1 or not number.is_integer():
        raise click.BadParameter(f"{value!r} is not a whole number of at least 1")
    return int(number)


@command(
    "init", FILE, TRUST,
    click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write it."),
)  # fmt: skip
def init(screen: Screen, file: Path, trust: bool, output: Path | None) -> int:
    """Write a commented experiment for FILE.

    \b
    metagenx init film.hgx               writes film.yaml beside it
    metagenx tune film.yaml
    """
    from metagenx.errors import InputError
    from metagenx.meta.experiment_template import ModelSummary, experiment_template

    model = _load(file, trust, screen)
    problem = model.problem()
    output = output or file.with_suffix(".yaml")
    if output.exists():
        raise InputError("the file exists already", where=str(output), hint="Name another one with -o.")
    place = os.path.relpath(file.resolve(), output.resolve().parent)
    place = Path(place).as_posix()
    summary = ModelSummary(place, model.fom_function, len(problem.names), problem.n_points, model.options)
    try:
        output.write_text(experiment_template(summary), encoding="utf-8")
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", where=str(output)) from None
    screen.result({"experiment": str(output)}, f"wrote {output}\n  metagenx tune {output}")
    return EXIT_REACHED


@command("inspect", FILE, TRUST)
def inspect(screen: Screen, file: Path, trust: bool) -> int:
    """What is in FILE, whether it gives the same numbers as in GenX, and what to look at before a fit.

    \b
    metagenx inspect film.hgx
    metagenx inspect film.hgx --json | jq .warnings
    """
    from metagenx.genx.audit import audit
    from metagenx.report.terminal import audit_text

    found = audit(_load(file, trust, screen))
    screen.result(found.to_json(), audit_text(found))
    return EXIT_REACHED


@command(
    "simulate", FILE, TRUST, FOM, data_options,
    click.option("-o", "--output", type=click.Path(path_type=Path), help="Arrays x0, y0, sim0, x1 … and fom, as .npz."),
)  # fmt: skip
def simulate(screen: Screen, file: Path, trust: bool, fom: str | None, data: _Data, output: Path | None) -> int:
    """Simulate FILE with the values of its table.

    \b
    metagenx simulate film.hgx -o film.npz
    metagenx simulate film.hgx --data today.ort
    """
    from metagenx.report.arrays import save_simulation

    model = _load(file, trust, screen, data)
    simulations = model.simulate()
    value = float(model.figure_of_merit(fom).total(simulations, model.penalty()))
    name = fom or model.fom_function
    if output:
        save_simulation(output, model.data, simulations, value)
    written = f", written to {output}" if output else ""
    text = f"FOM {name} = {value:.10g} of {len(simulations)} data sets{written}"
    screen.result({"fom": value, "fom_function": name, "n_data_sets": len(simulations), "output": output}, text)
    return EXIT_REACHED


@command(
    "fit", FILE, TRUST, FOM, SEED, data_options,
    click.option("-o", "--output", type=click.Path(path_type=Path), help="The fitted model, as .hgx."),
    click.option("--export", type=click.Path(path_type=Path), multiple=True, help="Data and fit, as .ort or .csv."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="A folder for .hgx, tables, report."),
    click.option("--scheme", help="create_trial, instead of the file's."),
    click.option("--evals", callback=_count, help="FOM evaluations of all restarts together, e.g. 40k."),
    click.option("-j", "--cores", type=click.IntRange(min=1), help="Runs made at a time; default: all cores."),
    click.option("--settings-from", type=click.Choice(["file", "portfolio"]), default="file", show_default=True,
                 help="portfolio: settings that were good for files like this one (metagenx experience portfolio)."),
    click.option("--as-in-file", is_flag=True, help="One run that ends where GenX's would: no restarts, no polish."),
    click.option("--profile", "profiled", multiple=True, metavar="NAME", help="Profile likelihood of this parameter."),
    click.option("--mcmc", is_flag=True, help="Draw from the posterior too; needs the package bumps."),
    click.option("--errors", type=click.Choice(["FOM level", "covariance", "spread"], case_sensitive=False),
                 default="FOM level", show_default=True, help="Kind of error bar in the Error column of the .hgx."),
    writes=True,
)  # fmt: skip
def fit(
    screen: Screen, file: Path, trust: bool, fom: str | None, seed: int, data: _Data, output: Path | None,
    export: tuple[Path, ...], out: Path | None, scheme: str | None, evals: int | None, cores: int | None,
    settings_from: str, as_in_file: bool, profiled: tuple[str, ...], mcmc: bool, errors: str,
    overrides: tuple[str, ...], dry_run: bool,
) -> int:  # fmt: skip
    """Fit FILE with its own settings and the strategy auto.

    Runs are polished on the way, end when they stagnate, and start again, until eleven are done and two of them ended
    in the best minimum, or the evaluations are spent that GenX would spend; --evals spends so many. Exit code 0 means
    that at least two of the runs ended in the same, best minimum (with --as-in-file: that the run ended); 3 that none
    agreed.

    \b
    metagenx fit film.hgx -o fitted.hgx
    metagenx fit film.hgx --scheme jade_best --evals 40k --set km=0.5
    metagenx fit film.hgx --data today.ort -o today.hgx --export fitted.ort
    metagenx fit film.hgx --profile Fe.setD --out fitted
    metagenx fit film.hgx --settings-from portfolio
    """
    import dataclasses

    from metagenx.fitting.api import fit as run_fit
    from metagenx.fitting.api import fitted_model, planned
    from metagenx.fitting.settings import overrides_from_text
    from metagenx.genx.export_data import check_export, export_data
    from metagenx.genx.fom import check_name
    from metagenx.report.extras_of_fit import extras_of_fit, prepare_extras
    from metagenx.report.fit import fit_summary, fit_table, fit_text, save_fit
    from metagenx.report.terminal import FitProgress

    for path in export:
        check_export(path)
    model = _load(file, trust, screen, data)
    if fom:
        model = model.with_results(solver_options={"figure_of_merit": check_name(fom)})
    problem = model.problem()
    prepare_extras(problem, profiled, mcmc)
    changes = overrides_from_text(overrides)
    if scheme:
        changes["create_trial"] = scheme
    advice = None
    if settings_from == "portfolio":
        from metagenx.meta.portfolio_choice import advise

        if as_in_file:
            raise click.UsageError("--as-in-file and --settings-from portfolio contradict each other.")
        advice = advise(model.file, seed)
        changes = advice.with_changes(changes)
    plan = planned(problem, model, budget=evals, as_in_file=as_in_file, **changes)
    if advice is not None:
        plan |= {"settings_from": advice.to_json(), "text": f"{advice.sentence}\n{plan['text']}"}
    if dry_run:
        screen.result(plan, plan["text"])
        return EXIT_REACHED
    with FitProgress(screen, problem, plan["evaluations"]) as progress:
        result = run_fit(
            model, seed, as_in_file=as_in_file, budget=evals, problem=problem, cores=cores, on_generation=progress,
            on_run=progress.made_elsewhere, **changes,
        )  # fmt: skip
    if advice is not None:
        result = dataclasses.replace(result, settings_from=advice.to_json())
    if output:
        screen.note(f"wrote {result.save(output, errors=errors)}, its Error column: {errors}")
    for path in export:
        exported = fitted_model(model, result.result, bars=result.error_bars, errors=errors)
        screen.note(f"wrote {export_data(exported, path)}")
    profiles, posterior = extras_of_fit(result, profiled, mcmc, say=screen.note)
    if out:
        save_fit(result, out, command=sys.argv, profiles=profiles, posterior=posterior, errors=errors)
        screen.note(f"wrote {out}")
    text = fit_text(result, profiles, posterior)
    screen.result(fit_summary(result, profiles, posterior), text, table=fit_table(result))
    if result.was_interrupted:
        return EXIT_INTERRUPTED
    return EXIT_REACHED if result.reached else EXIT_NOT_REACHED


@command(
    "repeat", FILE, TRUST, SEED, WORKERS, OUT, RESUME, data_options,
    click.option("-n", "n", type=click.IntRange(min=2), default=50, show_default=True, help="Independent fits."),
    click.option("--perturb", default="10%", show_default=True, callback=_percent, help="How far start values move."),
    click.option("--of", type=click.Choice(["fitted", "all"]), default="fitted", show_default=True,
                 help="Which rows move; all moves fixed rows too, which changes the model (as in 2014)."),
    writes=True,
)  # fmt: skip
def repeat(
    screen: Screen, file: Path, trust: bool, seed: int, workers: int | None, out: Path, resume: bool, data: _Data,
    n: int, perturb: float, of: str, overrides: tuple[str, ...], dry_run: bool,
) -> int:  # fmt: skip
    """Fit FILE many times from perturbed starts: do independent fits end at the same answer?

    Exit code 0 means that at least two fits ended in the best minimum, 3 that no two did.

    \b
    metagenx repeat film.hgx -n 50
    metagenx repeat film.hgx -n 200 --perturb 20% --set create_trial=jade_best
    """
    from metagenx.fitting.settings import overrides_from_text
    from metagenx.meta.repeat import repeat as run_repeat
    from metagenx.meta.repeat_plan import plan_repeat
    from metagenx.report.run import repeat_summary, write_report
    from metagenx.report.summary import repeat_text
    from metagenx.report.terminal import RunProgress

    changes = overrides_from_text(overrides)
    if dry_run:
        plan = plan_repeat(
            file, n=n, perturb=perturb, of=of, trust=trust, workers=workers, overrides=changes, data=data.requests()
        )
        screen.result(plan.to_json(), plan.text)
        return EXIT_REACHED
    with RunProgress(screen) as progress:
        result = run_repeat(
            file, n=n, perturb=perturb, of=of, seed=seed, workers=workers, trust=trust, out=out, resume=resume,
            data=data.requests(), progress=progress, **changes,
        )  # fmt: skip
        report = write_report(result.folder, trust=trust)
    screen.result(repeat_summary(result), repeat_text(result, report))
    return EXIT_REACHED if result.reached else EXIT_NOT_REACHED


@command(
    "batch", click.argument("data", nargs=-1, required=True), TRUST, FOM, SEED, WORKERS, OUT, RESUME,
    click.option("-m", "--model", required=True, type=click.Path(path_type=Path), help="The GenX file to fit with."),
    click.option("--warm-start", is_flag=True, help="Start each file at the answer of the one before it."),
    click.option("--scheme", help="create_trial, instead of the file's."),
    click.option("--evals", callback=_count, help="FOM evaluations of each file, all restarts together, e.g. 40k."),
    click.option("--as-in-file", is_flag=True, help="One run for each file that ends where GenX's would."),
    click.option("--data-format", metavar="NAME", help="Format of the files, if it is not recognised."),
    click.option("--data-x", metavar="KIND", help="What x of the files is: q, 1/nm, 2theta, theta."),
    click.option("--data-columns", metavar="NAMES", help="Columns of the files: x,y,error,res; - leaves one out."),
    click.option("--where", default="local", show_default=True, help="local, auto (a Ray cluster) or its address."),
    writes=True,
)  # fmt: skip
def batch(
    screen: Screen, data: tuple[str, ...], trust: bool, fom: str | None, seed: int, workers: int | None, out: Path,
    resume: bool, model: Path, warm_start: bool, scheme: str | None, evals: int | None, as_in_file: bool,
    data_format: str | None, data_x: str | None, data_columns: str | None, where: str,
    overrides: tuple[str, ...], dry_run: bool,
) -> int:  # fmt: skip
    """Fit many data sets with one model; DATA are folders, files, or patterns such as 'scan_*.dat'.

    One table with a row for each file; a file that cannot be fitted is a row with its reason. Exit code 0 means that
    in every file at least two runs ended in the best minimum, 3 that some did not or failed, 2 that all failed. The
    same command again resumes; of a folder that has grown it fits what is new.

    \b
    metagenx batch scans/ -m film.hgx
    metagenx batch 'scans/film_*K.dat' -m film.hgx --warm-start --evals 20k
    """
    from metagenx.meta.batch import batch as run_batch
    from metagenx.meta.batch import prepare_batch
    from metagenx.meta.batch_data import DataOptions
    from metagenx.meta.batch_plan import options_of_batch, plan_batch
    from metagenx.report.batch import batch_summary, batch_text, write_batch_report
    from metagenx.report.terminal import RunProgress

    changes, workers, where = options_of_batch(overrides, scheme, workers, where)
    common: dict[str, Any] = {
        "warm_start": warm_start, "seed": seed, "evaluations": evals, "as_in_file": as_in_file, "fom": fom,
        "how": DataOptions(data_format, data_x, tuple((data_columns or "").replace(",", " ").split())),
        "trust": trust, **changes,
    }  # fmt: skip
    if dry_run:
        plan = plan_batch(prepare_batch(data, model, **common), workers)
        screen.result(plan.to_json(), plan.text)
        return EXIT_REACHED
    with RunProgress(screen) as progress:
        result = run_batch(
            data, model, out=out, workers=workers, where=where, resume=resume, progress=progress, **common
        )
        page = write_batch_report(result.folder, trust=trust)
    screen.result(batch_summary(result), batch_text(result, page))
    if not result.usable:
        return EXIT_BAD_INPUT
    return EXIT_REACHED if result.reached else EXIT_NOT_REACHED


@command(
    "tune", click.argument("experiment", required=False, type=click.Path(path_type=Path)), TRUST, WORKERS, OUT,
    RESUME, data_options,
    click.option("--tests", type=click.Path(path_type=Path), help="What to measure: a .yaml, or a .py with --trust."),
    click.option("--profile", metavar="NAME|FILE", help="Settings of the tuner itself: hand-made, or of metatune."),
    click.option("--open", "open_report", is_flag=True, help="Open the report when done."),
    click.option("--where", help="local, auto (a Ray cluster that runs), its address, or a cluster file."),
    click.option("--max-hours", type=click.FloatRange(min=0, min_open=True), help="On a cluster: end the run then."),
    click.option("--max-cost", type=click.FloatRange(min=0, min_open=True), help="On a cluster: end the run then."),
    click.option("--when-done", type=click.Choice(["keep", "down"]), default="keep", show_default=True,
                 help="What becomes of the cluster."),
    writes=True,
)  # fmt: skip
def tune(
    screen: Screen, experiment: Path | None, trust: bool, workers: int | None, out: Path, resume: bool, data: _Data,
    tests: Path | None, profile: str | None, open_report: bool, where: str | None, max_hours: float | None,
    max_cost: float | None, when_done: str, overrides: tuple[str, ...], dry_run: bool,
) -> int:  # fmt: skip
    """Search the settings of differential evolution that fit best; EXPERIMENT is a .yaml, or a .hgx or .gx itself.

    With --tests, EXPERIMENT is the file to be fitted, if that is not named there. A .py says in Python which settings
    are compared and what is recorded of each fit (experiments/README.md); --trust says that it may run.

    Ends with the winner and the file's settings measured on fresh seeds. Exit code 0 means that there is an answer,
    "keep what you have" included; 3 that no setting reached the target; 4 that the budget was spent before the
    validation. The same command again resumes, with a larger budget too.

    \b
    metagenx tune experiments/film.yaml
    metagenx tune experiments/film.yaml --set model.file=other.hgx --dry-run
    metagenx tune experiments/film.yaml --where cluster.yaml --max-cost 5 --when-done down
    metagenx tune film.hgx --tests=experiments/example_tests.py --trust
    metagenx tune experiments/film.yaml --profile hand-made
    """
    from metagenx.cluster.places import check_where, is_far
    from metagenx.cluster.tuning import Far, tune_far
    from metagenx.meta.tune import plan as plan_tune
    from metagenx.meta.tune import tune as run_tune
    from metagenx.report.run import tune_summary, write_report
    from metagenx.report.summary import tune_text
    from metagenx.report.terminal import RunProgress

    experiment, overrides = _what_to_tune(experiment, tests, overrides)
    if profile is not None:
        overrides = (*overrides, f"tune.profile={json.dumps(profile)}")
    check_where(where)
    if not is_far(where) and (max_hours or max_cost or when_done != "keep"):
        raise click.UsageError("--max-hours, --max-cost and --when-done go with --where CLUSTER.")
    is_program = click.get_current_context().find_root().obj["is_program"]
    if is_program and not dry_run and not is_far(where) and may_supervise():
        return supervised()
    if dry_run:
        planned = plan_tune(experiment, overrides=overrides, data=data.requests(), workers=workers, trust=trust)
        screen.result(vars(planned), planned.line)
        return EXIT_REACHED
    with RunProgress(screen) as progress:
        if is_far(where):
            far = Far(where or "", max_hours, max_cost, when_done)
            tune_far(
                experiment,
                far,
                out=out,
                overrides=overrides,
                data=data.requests(),
                workers=workers,
                resume=resume,
                trust=trust,
                progress=progress,
            )
            resume, where = True, None  # the run is here now, and finished: what follows reads its answer
        result = run_tune(
            experiment,
            out=out,
            overrides=overrides,
            data=data.requests(),
            workers=workers,
            where=where,
            resume=resume,
            trust=trust,
            progress=progress,
        )
        report = write_report(result.folder, trust=trust)
    screen.result(tune_summary(result), tune_text(result, report))
    if open_report:
        click.launch(str(report))
    if not result.answer.complete:
        return EXIT_SPENT
    return EXIT_REACHED if result.answer.reached else EXIT_NOT_REACHED


def _what_to_tune(
    experiment: Path | None, tests: Path | None, overrides: tuple[str, ...]
) -> tuple[Path, tuple[str, ...]]:
    """The experiment, and its overrides: a GenX file beside --tests is the one to be fitted."""
    found = tests or experiment
    if found is None:
        raise click.UsageError("Name an experiment (.yaml), a GenX file, or --tests FILE.")
    if tests is None or experiment is None:
        return found, overrides
    if experiment.suffix.lower() not in (".hgx", ".gx"):
        raise click.UsageError(f"With --tests, {experiment} must be the .hgx or .gx file to be fitted.")
    return tests, (f"model.file={json.dumps(str(experiment), ensure_ascii=False)}", *overrides)


@command(
    "convert", click.argument("source", metavar="IN", type=click.Path(path_type=Path)),
    click.argument("target", metavar="OUT", type=click.Path(path_type=Path)), TRUST,
    click.option("--data", "index", type=click.IntRange(min=0), help="Only this data set, from 0."),
    click.option("--wavelength", type=click.FloatRange(min=0.0, min_open=True), help="Å; for 2θ without one."),
    click.option("--data-format", "data_format", metavar="NAME", help="Format of IN, if it is not recognised."),
    click.option("--data-x", metavar="KIND", help="What x of IN is: q, 1/nm, 2theta, theta."),
    click.option("--data-columns", metavar="NAMES", help="Columns of IN: x,y,error,res; - leaves one out."),
)  # fmt: skip
def convert(
    screen: Screen, source: Path, target: Path, trust: bool, index: int | None, wavelength: float | None,
    data_format: str | None, data_x: str | None, data_columns: str | None,
) -> int:  # fmt: skip
    """Convert IN to OUT: .hgx, .gx (read only), .ort, .csv; IN may be any data file that is known.

    A model becomes .ort or .csv with its simulation. Data become .hgx with the model of their ORSO header, or with a
    bare substrate to begin with.

    \b
    metagenx convert old.gx new.hgx
    metagenx convert film.hgx film.ort
    metagenx convert scan.xrdml scan.csv
    """
    from metagenx.genx.export_convert import convert as run_convert
    from metagenx.genx.loaders import LoadOptions

    columns = tuple((data_columns or "").replace(",", " ").split())
    done = run_convert(
        source, target, index=index, trust=trust, format=data_format, options=LoadOptions(columns, data_x),
        wavelength=wavelength,
    )  # fmt: skip
    for sentence in (*done.said, *done.notices):
        screen.note(sentence)
    sets = f"{done.n_sets} data set" + ("s" if done.n_sets != 1 else "")
    screen.result(done.to_json(), f"wrote {target}: {sets}, {done.n_points} points")
    return EXIT_REACHED


@command("report", click.argument("run", required=False, type=click.Path(path_type=Path)), OUT, TRUST,
         click.option("--open", "open_report", is_flag=True, help="Open it in the browser."))  # fmt: skip
def report(screen: Screen, run: Path | None, out: Path, trust: bool, open_report: bool) -> int:
    """Make report.html and the tables of a run again, from its journal; RUN is a run folder, default the latest.

    \b
    metagenx report
    metagenx report runs/film/latest --open
    """
    from metagenx.report.run import rebuild
    from metagenx.runs import latest_run, open_run

    folder = open_run(run) if run else latest_run(out)
    page = rebuild(folder, trust=trust, say=screen.note)
    screen.result({"run": str(folder.path), "report": str(page)}, f"wrote {page}")
    if open_report:
        click.launch(str(page))
    return EXIT_REACHED


@command("doctor", click.option("--warm", is_flag=True, help="Compile the kernels now, so that no fit waits for it."))
def doctor(screen: Screen, warm: bool) -> int:
    """Is everything in order here? Versions, cores, compiled kernels, Ray, tables, room to write.

    \b
    metagenx doctor
    metagenx doctor --warm
    """
    from metagenx.doctor import examine

    findings = examine(warm=warm, say=screen.note)
    screen.result({"findings": [vars(f) for f in findings]}, "\n".join(map(str, findings)))
    return EXIT_REACHED if all(f.ok for f in findings) else EXIT_NOT_REACHED


from metagenx import cli_cluster, cli_experience, cli_live, cli_metatune, cli_serve, cli_space  # noqa: E402, F401
