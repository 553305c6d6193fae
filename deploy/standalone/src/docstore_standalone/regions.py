"""Several regions on one machine: a stack for each, in a folder of its own, under one supervisor process."""

import asyncio
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from docstore_standalone.credentials import CREDENTIALS_FILE, Credentials, load_credentials, move_credentials
from docstore_standalone.ports import LOOPBACK, SERVER_PORTS, PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import Stack, start_stack
from docstore_standalone.state import OtherLayout, StackLock, StackState, read_state, write_state
from docstore_standalone.supervision.processes import ProcessId
from docstore_standalone.supervision.supervisor import ComponentState, OnChange, ignore

REGION = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
EXTERNAL = ("mongo_url", "kafka_bootstrap", "s3_endpoint", "ses_endpoint")


@dataclass(slots=True)
class Regions:
    """Running stacks by region."""

    stacks: Mapping[str, Stack]
    _closing: AsyncExitStack = field(repr=False)

    async def stop(self) -> None:
        await self._closing.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def check_regions(settings: StandaloneSettings, names: Sequence[str]) -> None:
    """ValueError if these regions can't be started with these settings; OtherLayout."""
    if not names or len(set(names)) < len(names) or not all(map(REGION.fullmatch, names)):
        raise ValueError(
            "regions must be different names of lower-case letters, digits and hyphens: us-west-2,eu-north-1"
        )
    if settings.lan:
        raise ValueError("--lan serves one stack, not several regions: run each region on a machine of its own")
    if external := [name for name in EXTERNAL if getattr(settings, name)]:
        raise ValueError(f"regions can't share external servers: {', '.join(external)}")
    if read_state(settings.data).addresses and not read_state(settings.data).regions:
        raise OtherLayout(f"{settings.data} contains one stack: start it without --regions, or choose another folder")


async def start_regions(
    settings: StandaloneSettings,
    names: Sequence[str],
    *,
    processes: bool = False,
    on_change: OnChange = ignore,
) -> Regions:
    """Start a stack for each region concurrently; return once every gateway is ready.

    With `settings.port` the gateways use that port and the next ones. Raises what `start_stack` and `check_regions`
    raise.
    """
    check_regions(settings, names)
    folder = settings.data
    async with AsyncExitStack() as opening:
        opening.enter_context(StackLock(folder))
        if settings.secrets_folder:
            move_credentials(folder, settings.secrets_folder)
        known = read_state(folder)
        book = PortBook(known.ports)
        state = StackState(
            folder=str(folder),
            supervisor=ProcessId.of(os.getpid()),
            credentials_file=known.credentials_file or CREDENTIALS_FILE,
            regions=list(names),
        )
        write_state(folder, state)  # the state of the last run is outdated
        for number, name in enumerate(names):
            wanted = settings.port + number if settings.port is not None else None
            book.secure_gateway(wanted, name=name)
        gateways = {name: f"http://{LOOPBACK}:{book[name]}" for name in names}
        credentials = load_credentials(folder)
        starting = (
            start_stack(
                _of_region(settings, name, book[name]),
                processes=processes,
                on_change=_with_prefix(name, on_change),
                port_choice=SERVER_PORTS[number :: len(names)],
                regional=regional_variables(name, gateways, credentials),
            )
            for number, name in enumerate(names)
        )
        outcomes = await asyncio.gather(*starting, return_exceptions=True)
        stacks: dict[str, Stack] = {}
        errors: list[BaseException] = []
        for name, outcome in zip(names, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                errors.append(outcome)
            else:
                stacks[name] = outcome
        opening.push_async_callback(_stop_all, stacks)
        if errors:
            raise errors[0]
        addresses = read_state(folder / names[0]).addresses
        write_state(folder, state.model_copy(update={"ports": book.as_dict(), "addresses": addresses}))
        return Regions(stacks, opening.pop_all())


def _of_region(settings: StandaloneSettings, name: str, port: int) -> StandaloneSettings:
    """Settings of one region's stack, whose folders are those of its name."""
    secrets = settings.secrets_folder / name if settings.secrets_folder else None
    return settings.model_copy(
        update={"data": settings.data / name, "secrets_folder": secrets, "region": name, "port": port}
    )


def regional_variables(name: str, gateways: Mapping[str, str], credentials: Credentials) -> dict[str, str]:
    """Settings of one region's services besides those of every stack."""
    return {
        "DOCSTORE_REGION": name,
        "DOCSTORE_ISSUER": f"docstore-{name}",
        "ACCOUNTS_FIRST_ADMIN_EMAIL": f"admin@{name}.docstore.localhost",
        "ACCOUNTS_PEERS": json.dumps({peer: url for peer, url in gateways.items() if peer != name}),
        "ACCOUNTS_PEER_SECRET": credentials.peer_secret,
        "ACCOUNTS_EMAIL_PEPPER": credentials.email_pepper,
    }


def _with_prefix(name: str, on_change: OnChange) -> OnChange:
    def change(component: str, state: ComponentState) -> None:
        on_change(f"{name} {component}", state)

    return change


async def _stop_all(stacks: Mapping[str, Stack]) -> None:
    await asyncio.gather(*(stack.stop() for stack in stacks.values()))
