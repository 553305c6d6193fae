"""A process that runs a stack until it is stopped, for tests that kill it."""

import asyncio
import signal
import sys
from pathlib import Path

from docstore_standalone.servers import start_servers
from docstore_standalone.settings import StandaloneSettings


async def main(folder: Path, tools: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    servers = await start_servers(folder, settings=StandaloneSettings(tools=tools))
    print("ready", flush=True)
    await stop.wait()
    await servers.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
