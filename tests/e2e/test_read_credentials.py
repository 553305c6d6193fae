"""`docstore credentials` with an S3 tool that no one here has made."""

import asyncio
import json
import os
import sysconfig
from pathlib import Path

import pytest
from deployments import Deployment
from synced_folders import Command, write

from docstore_client import AsyncClient
from docstore_platform.ids import new_id

PASSWORD = "correct horse battery staple"
S5CMD = Path(sysconfig.get_path("scripts")) / "s5cmd"
pytestmark = pytest.mark.connected


async def run(*command: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_an_s3_tool_reads_a_folder(deployment: Deployment, tmp_path: Path) -> None:
    """By the lines for a shell; it reads what is named, and is refused everything else."""
    email = f"lent-{new_id()[-10:]}@example.org"
    async with AsyncClient(deployment.gateway) as client:
        await client.sign_up(email, PASSWORD)
    command = Command(tmp_path / "home")
    await command.log_in(deployment.gateway, email, PASSWORD)
    content = os.urandom(2_000_000)
    write(tmp_path / "in.bin", content)
    write(tmp_path / "beside.bin", content[1:])
    await command.run("put", str(tmp_path / "in.bin"), "/docs/in.bin")
    await command.run("put", str(tmp_path / "beside.bin"), "/beside.bin")
    lent = json.loads(await command.run("credentials", "/docs", "--json"))
    (one,) = lent["objects"]
    assert one["path"] == "in.bin"
    beside = json.loads(await command.run("credentials", "/beside.bin", "--json"))["objects"][0]
    lines = await command.run("credentials", "/docs")
    keys = dict(line.removeprefix("export ").split("=", 1) for line in lines.splitlines() if line.startswith("export"))
    tool = (str(S5CMD), "--endpoint-url", keys["AWS_ENDPOINT_URL_S3"])
    bucket = lent["credentials"]["bucket"]
    status, output = await run(*tool, "cp", f"s3://{bucket}/{one['key']}", str(tmp_path / "out.bin"), **keys)
    assert status == 0, output
    assert (tmp_path / "out.bin").read_bytes() == content
    for refused in (
        ("cp", f"s3://{bucket}/{beside['key']}", str(tmp_path / "other.bin")),
        ("ls", f"s3://{bucket}/accounts/"),
        ("rm", f"s3://{bucket}/{one['key']}"),
        ("cp", str(tmp_path / "in.bin"), f"s3://{bucket}/{one['key']}"),
    ):
        assert (await run(*tool, *refused, **keys))[0] != 0, refused
    assert not (tmp_path / "other.bin").exists()
