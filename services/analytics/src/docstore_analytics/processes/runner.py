"""Runs DuckDB in a process for one task, which frees its memory and blocks nothing."""

import asyncio
import os
import sys

STDERR_SHOWN = 2000


class ChildFailed(Exception):
    """The process failed or timed out; the message contains the end of its stderr."""


async def run_child(module: str, data: bytes, *, seconds: float) -> bytes:
    """Run `python -m module` with `data` on its stdin; return its stdout. Raises ChildFailed."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(data)
    except TimeoutError:
        raise ChildFailed(f"{module} took more than {seconds} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ChildFailed(f"{module}: status {process.returncode}: {errors.decode(errors='replace')[-STDERR_SHOWN:]}")
    return output
