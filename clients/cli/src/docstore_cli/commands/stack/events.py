"""`docstore events`: follow events, list and replay dead letters, republish events."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from rich.markup import escape
from rich.table import Table

from docstore_cli.moments import moment
from docstore_cli.options import AsJson, Data, console, failed, print_json
from docstore_cli.sessions.session import run
from docstore_cli.sessions.this_machine import device_name
from docstore_cli.stack.options import running_stack
from docstore_client import AsyncClient
from docstore_events.catalogue.event import TOPICS
from docstore_events.consuming.fetch_wait import SHORTEST_MS, Fetches
from docstore_events.envelope import UnreadableMessage, header_map, open_envelope
from docstore_platform.clock import utc_now
from docstore_standalone.credentials import load_credentials
from docstore_standalone.state import StackState

app = typer.Typer(help="Events and dead letters.", no_args_is_help=True)

Topics = Annotated[list[str] | None, typer.Argument(help=f"Topics to follow; by default {', '.join(TOPICS)}.")]
Since = Annotated[str, typer.Option("--since", help="A time like 2026-05-01T12:00:00Z, or how long ago, like 2h.")]
FromStart = Annotated[bool, typer.Option("--from-start", help="Also show earlier events, as far as Kafka keeps them.")]


@app.command()
def tail(topics: Topics = None, data: Data = None, from_start: FromStart = False, as_json: AsJson = False) -> None:
    """Show events as they are published, until Ctrl-C."""
    _, state = running_stack(data)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_tail(state, topics or list(TOPICS), from_start=from_start, as_json=as_json))


async def _tail(state: StackState, topics: list[str], *, from_start: bool, as_json: bool) -> None:
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=state.addresses["kafka"],
        auto_offset_reset="earliest" if from_start else "latest",
        fetch_max_wait_ms=SHORTEST_MS,
    )
    await consumer.start()
    Fetches(consumer)
    try:
        async for record in consumer:
            _show(record, as_json=as_json)
    finally:
        await consumer.stop()


def _show(record: ConsumerRecord[bytes, bytes], *, as_json: bool) -> None:
    try:
        envelope = open_envelope(record.headers, record.value)
        headers = header_map(record.headers)
    except UnreadableMessage as error:
        console.print(f"[red]{record.topic}:{record.partition}:{record.offset} can't be read: {escape(str(error))}[/]")
        return
    if as_json:
        typer.echo(orjson.dumps({**headers, "data": orjson.loads(record.value)}).decode())
    elif envelope is not None:
        console.print(
            f"[dim]{envelope.time:%H:%M:%S.%f}[/] {envelope.source:9} [bold]{envelope.event.type:20}[/] "
            f"{envelope.event.key()} [dim]rev {envelope.event.revision}[/]",
            highlight=False,
            soft_wrap=True,
        )


@app.command("dead-letters")
def dead_letters(data: Data = None, as_json: AsJson = False) -> None:
    """List dead letters with the reason."""
    found = run(_as_admin(data, "GET", "/v1/admin/dead-letters"))["items"]
    if as_json:
        print_json(found)
        return
    if not found:
        console.print("No dead letters.")
        return
    table = Table()
    for name in ("id", "type", "key", "reason", "error", "at"):
        table.add_column(name, overflow="fold")
    for each in found:
        table.add_row(*(escape(str(each[name])) for name in ("id", "type", "key", "reason", "error", "at")))
    console.print(table)


@app.command()
def replay(letter_id: str, data: Data = None, as_json: AsJson = False) -> None:
    """Replay a dead letter and those of the same aggregate behind it."""
    outcome = run(_as_admin(data, "POST", f"/v1/admin/dead-letters/{letter_id}/replay"))
    if as_json:
        print_json(outcome)
        return
    console.print(f"{outcome['replayed']} handled.")
    if outcome["error"]:
        console.print(f"[red]The next one failed again:[/] {escape(outcome['error'])}")
        raise typer.Exit(1)


@app.command()
def discard(letter_id: str, data: Data = None, as_json: AsJson = False) -> None:
    """Discard a dead letter that can't be parsed, so that those behind it can be replayed."""
    run(_as_admin(data, "DELETE", f"/v1/admin/dead-letters/{letter_id}"))
    if as_json:
        print_json({"id": letter_id})
    else:
        console.print("Discarded.")


@app.command()
def republish(since: Since, data: Data = None, as_json: AsJson = False) -> None:
    """Republish events since a time; consumers ignore those that they have handled."""
    begin = moment(since, utc_now(), "--since", back=True).isoformat()
    outcome = run(_as_admin(data, "POST", "/v1/admin/events/republish", {"since": begin}))
    if as_json:
        print_json(outcome)
    else:
        for service, events in outcome["republished"].items():
            console.print(f"{service:10} {events:8}", highlight=False)
        console.print(f"{sum(outcome['republished'].values())} events since {begin} are being sent again.")
    if outcome["unreachable"]:
        raise failed(f"not reached, try again: {', '.join(outcome['unreachable'])}")


async def _as_admin(data: Path | None, method: str, path: str, body: Any = None) -> Any:
    settings, state = running_stack(data)
    async with AsyncClient(state.addresses["gateway"]) as docstore:
        await docstore.log_in(state.addresses["admin"], load_credentials(settings.data).admin_password, device_name())
        return await docstore.call(method, path, body)
