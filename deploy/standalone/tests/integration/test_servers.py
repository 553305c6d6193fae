"""Lifecycle of the embedded servers: start, stop, crashes, several stacks, clean-up."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr
from server_notes import Notebook

from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.object_store import ObjectStore
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.servers import BrokerKind, Servers, start_servers
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import STATE_FILE, AlreadyRunning, read_state, running_state
from docstore_standalone.supervision.supervisor import ComponentState

pytestmark = [pytest.mark.connected, pytest.mark.faults]

COMPONENTS = ("mongod", "object-store", "broker")


@asynccontextmanager
async def running(folder: Path, settings: StandaloneSettings, broker: BrokerKind = "tansu") -> AsyncIterator[Servers]:
    servers = await start_servers(folder, settings=settings, broker=broker)
    try:
        yield servers
    finally:
        await servers.stop()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those whose command line names a folder, however they were started."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if process.pid != os.getpid() and any(str(folder) in word for word in process.info["cmdline"] or []):
            found.append(process)
    return found


def sockets_of(servers: Servers) -> list[Path]:
    """Sockets of the object store in /tmp, named by component and port; killed stores may have left others."""
    names = {f"seaweedfs-{name}-{port}.sock" for name, port in servers.ports.as_dict().items()}
    return [path for path in Path("/tmp").glob("seaweedfs-*.sock") if path.name in names]


async def test_a_new_folder_becomes_a_stack_that_takes_data(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """Every server works, each component reports when it is ready, and the state file has the addresses."""
    state_changes: list[tuple[str, ComponentState]] = []
    servers = await start_servers(
        tmp_path, settings=stack_settings, on_change=lambda component, state: state_changes.append((component, state))
    )
    try:
        notes = Notebook(servers)
        note = await notes.write()
        assert await notes.read() == [[note]] * 5
        assert all((component, ComponentState.READY) in state_changes for component in COMPONENTS)
        assert state_changes.index(("broker", ComponentState.STARTING)) > state_changes.index(
            ("object-store", ComponentState.READY)
        )
        state = running_state(tmp_path)
        assert state is not None
        assert state.addresses["s3"] == servers.s3_endpoint
        assert set(state.processes) == set(COMPONENTS)
        assert sockets_of(servers)
    finally:
        await servers.stop()
    assert running_state(tmp_path) is None
    assert processes_of(tmp_path) == []
    assert not sockets_of(servers)


async def test_data_folders_are_private(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """In a folder that others may enter, no file is for them; no secret is in a log, a command line or the state."""
    os.chmod(tmp_path, 0o755)
    async with running(tmp_path, stack_settings) as servers:
        await Notebook(servers).write()
        credentials = load_credentials(tmp_path)
        keys = (credentials.root, credentials.services, credentials.broker)
        secrets = [
            credentials.sts_signing_key,
            *credentials.signing_secrets["GATEWAY_CSRF_SECRETS"],
            credentials.admin_password,
        ]
        secrets += [pair.secret_access_key for pair in keys]
        shown = [" ".join(process.find().cmdline()) for process in read_state(tmp_path).processes.values()]
        shown += [file.read_text(errors="replace") for file in (tmp_path / "logs").iterdir()]
        shown += [(tmp_path / STATE_FILE).read_text()]
        assert not [secret for secret in secrets for text in shown if secret in text]
        assert _open_to_others(tmp_path) == []


def _open_to_others(folder: Path) -> list[Path]:
    """Files below `folder` that another user of this machine can reach."""
    found: list[Path] = []
    for entry in folder.iterdir():
        if entry.stat().st_mode & 0o077:
            found += _open_to_others(entry) if entry.is_dir() else [entry]
    return found


async def test_data_and_offsets_survive_a_restart_on_other_ports(
    tmp_path: Path, stack_settings: StandaloneSettings
) -> None:
    """Other programs took the ports in between: new ones are found, and everything is where it was."""
    async with running(tmp_path, stack_settings) as servers:
        first = await Notebook(servers).write()
        assert await Notebook(servers).unread() == [first]
        before = servers.ports.as_dict()
    taken = [before[name] for name in ("mongod", "kafka", "s3", "volume", "filer-grpc")]
    async with strangers(taken), running(tmp_path, stack_settings) as servers:
        after = servers.ports.as_dict()
        assert after["kafka"] != before["kafka"]
        assert after["master"] == before["master"]
        notes = Notebook(servers)
        second = await notes.write()
        assert await notes.read() == [sorted([first, second])] * 5
        assert await notes.unread() == [second]


@asynccontextmanager
async def strangers(ports: list[int]) -> AsyncIterator[None]:
    """Others' servers at these ports, which hang up on whoever calls."""
    async with AsyncExitStack() as listening:
        for port in ports:
            server = await asyncio.start_server(lambda _, writer: writer.close(), LOOPBACK, port)
            await listening.enter_async_context(server)
        yield


async def test_a_killed_part_comes_back_with_its_data(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """kill -9 of each server in turn: it runs again soon, and what was acknowledged is there."""
    async with running(tmp_path, stack_settings) as servers:
        notes = Notebook(servers)
        written = [await notes.write()]
        for component in COMPONENTS:
            killed = servers.supervisor.process_id(component)
            process = killed.find()
            assert process is not None
            process.kill()

            async def is_back(component: str = component, killed: object = killed) -> bool:
                supervisor = servers.supervisor
                return supervisor.is_ready(component) and supervisor.process_id(component) != killed

            await eventually(is_back)
            written.append(await notes.write())
            assert await notes.read() == [sorted(written)] * 5
            assert read_state(tmp_path).processes[component] == servers.supervisor.process_id(component)


async def test_all_parts_killed_at_once_come_back(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """As after the machine ran out of memory."""
    async with running(tmp_path, stack_settings) as servers:
        notes = Notebook(servers)
        first = await notes.write()
        killed = servers.supervisor.process_ids()
        for identity in killed.values():
            psutil.Process(identity.pid).kill()

        async def all_back() -> bool:
            now = servers.supervisor.process_ids()
            return all(
                servers.supervisor.is_ready(component) and now[component] != killed[component]
                for component in COMPONENTS
            )

        await eventually(all_back)
        second = await notes.write()
        assert await notes.read() == [sorted([first, second])] * 5


async def test_two_stacks_run_side_by_side_and_one_folder_has_one(
    tmp_path: Path, stack_settings: StandaloneSettings
) -> None:
    """No port, socket or record is shared; a second start on the same folder is refused and harms nothing."""
    async with AsyncExitStack() as stacks:
        both = [await stacks.enter_async_context(running(tmp_path / name, stack_settings)) for name in "ab"]
        notes = [Notebook(servers) for servers in both]
        written = [await note.write() for note in notes]
        with pytest.raises(AlreadyRunning):
            await start_servers(tmp_path / "a", settings=stack_settings)
        for note, expected in zip(notes, written, strict=True):
            assert await note.read() == [[expected]] * 5
        ports = [set(servers.ports.as_dict().values()) for servers in both]
        assert not ports[0] & ports[1]


async def test_a_folder_of_the_release_before_keeps_its_names_of_objects(
    tmp_path: Path, stack_settings: StandaloneSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects in SeaweedFS's eight databases are found and added to; only a new folder has one database."""
    with monkeypatch.context() as before:
        before.setattr(ObjectStore, "_names_settings", lambda _: {})
        async with running(tmp_path / "old", stack_settings) as servers:
            first = await Notebook(servers).write()
    for _ in range(2):
        async with running(tmp_path / "old", stack_settings) as servers:
            assert all(first in notes for notes in await Notebook(servers).read())
            await Notebook(servers).write()
    assert not (tmp_path / "old" / "object-store" / "data" / "filerldb").exists()
    for _ in range(2):
        async with running(tmp_path / "new", stack_settings) as servers:
            second = await Notebook(servers).write()
    async with running(tmp_path / "new", stack_settings) as servers:
        assert all(second in notes and len(notes) == 2 for notes in await Notebook(servers).read())
    assert not any((tmp_path / "new" / "object-store" / "data" / "filerldb2").iterdir())


async def test_a_copied_folder_is_a_stack_of_its_own(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """A copy starts beside the original with the data of the copy's moment, and does not end or change it."""
    async with running(tmp_path / "original", stack_settings) as servers:
        first = await Notebook(servers).write()
    await asyncio.to_thread(shutil.copytree, tmp_path / "original", tmp_path / "copy")
    async with running(tmp_path / "original", stack_settings) as original:
        ids = original.supervisor.process_ids()
        await asyncio.to_thread(shutil.copyfile, tmp_path / "original" / STATE_FILE, tmp_path / "copy" / STATE_FILE)
        async with running(tmp_path / "copy", stack_settings) as copy:
            second = await Notebook(copy).write()
            assert await Notebook(copy).read() == [sorted([first, second])] * 5
        assert original.supervisor.process_ids() == ids
        assert await Notebook(original).read() == [[first]] * 5


@asynccontextmanager
async def running_apart(folder: Path, tools: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A supervisor in a process of its own, ready."""
    script = str(Path(__file__).with_name("run_servers.py"))
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, script, str(folder), str(tools), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout
    try:
        while (line := await supervisor.stdout.readline()) != b"ready\n":
            assert line, "the stack did not start"
        yield supervisor
    finally:
        if supervisor.returncode is None:
            supervisor.kill()
            await supervisor.wait()


async def test_a_terminated_supervisor_leaves_nothing(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """SIGTERM ends everything in order."""
    async with running_apart(tmp_path, stack_settings.tools) as supervisor:
        assert len(read_state(tmp_path).processes) == len(COMPONENTS)
        supervisor.terminate()
        assert await supervisor.wait() == 0
    assert processes_of(tmp_path) == []
    assert read_state(tmp_path).processes == {}


async def test_a_killed_supervisor_leaves_no_orphan_and_its_data_is_taken_over(
    tmp_path: Path, stack_settings: StandaloneSettings
) -> None:
    """kill -9 takes the servers down with it; the next start finds every acknowledged note."""
    async with running(tmp_path, stack_settings) as servers:
        first = await Notebook(servers).write()
    async with running_apart(tmp_path, stack_settings.tools) as supervisor:
        left = read_state(tmp_path).processes
        supervisor.kill()
        await supervisor.wait()

    async def all_gone() -> bool:
        return not any(identity.find() for identity in left.values())

    await eventually(all_gone)
    async with running(tmp_path, stack_settings) as servers:
        notes = Notebook(servers)
        second = await notes.write()
        assert await notes.read() == [sorted([first, second])] * 5


async def test_external_servers_are_used_and_not_started(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """A stack on another's servers starts none of its own and works."""
    async with running(tmp_path / "own", stack_settings) as own:
        settings = stack_settings.model_copy(
            update={
                "mongo_url": SecretStr(own.mongo_url),
                "kafka_bootstrap": own.kafka_bootstrap,
                "ses_endpoint": own.ses_endpoint,
                "s3_endpoint": own.s3_endpoint,
                "s3_access_key_id": own.services_keys.access_key_id,
                "s3_secret_access_key": SecretStr(own.services_keys.secret_access_key),
            }
        )
        async with running(tmp_path / "guest", settings) as guest:
            assert guest.supervisor.process_ids() == {}
            note = await Notebook(guest).write()
            assert (await Notebook(guest).read())[:4] == [[note]] * 4
            assert (await Notebook(own).read())[4] == [note]


async def test_apache_kafka_takes_the_brokers_place(tmp_path: Path, stack_settings: StandaloneSettings) -> None:
    """The same stack with Apache Kafka: records and offsets survive a restart."""
    async with running(tmp_path, stack_settings, broker="apache-kafka") as servers:
        first = await Notebook(servers).write()
        assert await Notebook(servers).unread() == [first]
    async with running(tmp_path, stack_settings, broker="apache-kafka") as servers:
        notes = Notebook(servers)
        second = await notes.write()
        assert await notes.read() == [sorted([first, second])] * 5
        assert await notes.unread() == [second]
