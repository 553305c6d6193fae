"""`docstore chaos`: experiments with faults in a running stack."""

from dataclasses import asdict
from typing import Annotated, get_args

import typer
from rich.table import Table

from docstore_cli.options import AsJson, Data, console, failed, print_json
from docstore_cli.sessions.admin_session import as_admin
from docstore_cli.stack.options import running_stack
from docstore_client import AsyncClient
from docstore_standalone.chaos.experiments import Experiment, ExperimentRefused, FaultName, Report, run_experiment
from docstore_standalone.chaos.probes import Felt

Fault = Annotated[FaultName, typer.Argument(help=f"One of {', '.join(get_args(FaultName))}.")]
Component = Annotated[str, typer.Argument(help="Component of `docstore status`; not for fill-disk.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.1, max=300, help="How long the fault lasts.")]
Share = Annotated[
    float, typer.Option("--share", min=0.05, max=0.99, help="Part of the time that a slowed component stands still.")
]
Leave = Annotated[int, typer.Option("--leave-mib", min=0, help="MiB that a filled disk keeps free.")]
SharedDisk = Annotated[bool, typer.Option("--shared-disk", help="Fill the disk although it has other data, too.")]
Offset = Annotated[
    float,
    typer.Option("--offset", min=-86_400, max=86_400, help="Seconds that a skewed clock is ahead; negative: behind."),
]
Rate = Annotated[float, typer.Option("--rate", min=0.5, max=30, help="Probe calls a second.")]
StopRate = Annotated[
    float,
    typer.Option("--stop-error-rate", min=0.01, max=1, help="End the fault when this part of the calls fails"),
]
StopAfter = Annotated[float, typer.Option("--stop-after", min=1, help="for this many seconds.")]


def chaos(
    fault: Fault,
    component: Component = "",
    seconds: Seconds = 10.0,
    share: Share = 0.9,
    leave_mib: Leave = 0,
    shared_disk: SharedDisk = False,
    offset: Offset = 300.0,
    rate: Rate = 10.0,
    stop_error_rate: StopRate = 1.0,
    stop_after: StopAfter = 15.0,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Inject a fault into a running stack, and report what users felt.

    Exit status 1 if the fault was stopped early or users did not recover.
    """
    settings, _ = running_stack(data)
    experiment = Experiment(
        fault,
        component,
        seconds,
        share,
        leave_mib << 20,
        shared_disk,
        offset,
        stop_error_rate,
        stop_after,
    )

    async def run(docstore: AsyncClient) -> Report:
        assert docstore.credentials is not None
        return await run_experiment(settings.data, experiment, docstore.credentials.access_token, rate)

    try:
        report = as_admin(settings.data, run)
    except (ExperimentRefused, RuntimeError) as error:
        raise failed(str(error)) from None
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    if report.stopped_because or report.recovery_seconds is None:
        raise typer.Exit(1)


def _print(report: Report) -> None:
    stopped = f", stopped early: {report.stopped_because}" if report.stopped_because else ""
    console.print(f"{report.what} for {report.fault_seconds:.1f} s{stopped}", highlight=False, soft_wrap=True)
    table = Table()
    for name in ("phase", "calls", "a second", "failed", "p50", "p99"):
        table.add_column(name, justify="left" if name == "phase" else "right")
    for name, figures in (("before", report.before), ("during", report.during), ("after", report.after)):
        table.add_row(name, *_row(figures))
    console.print(table)
    for error, number in {**report.during.error_kinds, **report.after.error_kinds}.items():
        console.print(f"  {number} x {error}", highlight=False)
    if report.recovery_seconds is None:
        console.print("Users did not recover.")
    else:
        console.print(f"Users recovered {report.recovery_seconds:.1f} s after the fault.")


def _row(figures: Felt) -> list[str]:
    share = figures.errors / figures.requests if figures.requests else 0.0
    times = ["-" if value is None else f"{value * 1000:.0f} ms" for value in (figures.p50, figures.p99)]
    return [str(figures.requests), f"{figures.per_second:.1f}", f"{figures.errors} ({share:.0%})", *times]
