"""`docstore demo`: starts a stack if none runs, and shows the main job."""

import os
import sys

from docstore_cli.demo.regions import RegionDemo
from docstore_cli.demo.run import DemoStack, run_main_job, show_mails
from docstore_cli.options import Data, console
from docstore_cli.sessions.session import run
from docstore_cli.stack.foreground import start_shown, stop_signal
from docstore_cli.stack.options import running_stack, settings_for
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mailbox import MAILBOX_FOLDER, read_mailbox
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import ADMIN_EMAIL
from docstore_standalone.state import StackState, read_state, region_folders, running_state


def demo(data: Data = None) -> None:
    """Upload sample documents and show what happens; then run until Ctrl-C.

    With several regions running, show how they work together for one account.
    """
    settings = settings_for(data)
    state = running_state(settings.data)
    if state is None:
        run(_on_own(settings))
    elif len(state.regions) > 1:
        folders = region_folders(settings.data, state)
        regions = {name: (folder, read_state(folder)) for name, folder in folders.items()}
        run(RegionDemo(regions, console).run())
    else:
        run(_on_running(*running_stack(data)))


async def _on_running(settings: StandaloneSettings, state: StackState) -> None:
    await _show(settings, state.addresses["gateway"], state.addresses["kafka"])


async def _on_own(settings: StandaloneSettings) -> None:
    stop = stop_signal()
    os.environ.setdefault("ACCOUNTS_SELF_SERVICE_PLANS", "true")  # let visitors try both plans
    async with await start_shown(settings) as stack:
        await _show(settings, stack.gateway, stack.servers.kafka_bootstrap)
        if sys.stdin.isatty() and sys.stdout.isatty():
            console.print(f"DocStore is at [bold]{stack.gateway}[/], API documentation: {stack.gateway}/docs")
            console.print("Press Ctrl-C to stop.")
            await stop.wait()


async def _show(settings: StandaloneSettings, gateway: str, kafka: str) -> None:
    stack = DemoStack(gateway, kafka, ADMIN_EMAIL, load_credentials(settings.data).admin_password)
    email = await run_main_job(stack, console)
    mails = [mail for mail in read_mailbox(settings.data / MAILBOX_FOLDER) if email in mail.recipients]
    show_mails(mails, console)
