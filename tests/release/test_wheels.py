"""What `pip install docstore` installs: built here, installed into an empty environment, and run."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from generate_versions import packages, version

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv") or str(ROOT / ".tools/uv/bin/uv")
CLIENT_PART = {"docstore", "docstore-client", "docstore-sync"}
START_SECONDS = 0.15
DOWNLOAD_BYTES = 15 * 1024 * 1024
"""With all dependencies, as an index serves them."""
INSTALLED_BYTES = 34 * 1024 * 1024
"""The same on the disk; `docs/install/README.md` says what takes it."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels and source archives of all packages."""
    return build(tmp_path_factory.mktemp("dist"))


def build(folder: Path) -> Path:
    command = [UV, "build", "--quiet", "--all-packages", "--no-create-gitignore", "--out-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}, check=True)
    return folder


@pytest.fixture(scope="module")
def downloaded(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels that pip chooses for the client part, other people's from the index."""
    folder = tmp_path_factory.mktemp("downloaded")
    pip = [sys.executable, "-m", "venv", str(folder / "pip")]
    subprocess.run(pip, check=True)
    command = [str(folder / "pip/bin/pip"), "download", "--quiet", "--only-binary=:all:", "--dest", str(folder)]
    subprocess.run([*command, "--find-links", str(built), f"docstore=={version()}"], check=True)
    return folder


@pytest.fixture(scope="module")
def installed(downloaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The `bin` of an empty environment, into which docstore was installed without a network."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    command = [UV, "pip", "install", "--quiet", "--python", str(place), "--no-index", "--find-links", str(downloaded)]
    subprocess.run([*command, f"docstore=={version()}"], check=True)
    yield place / "bin"
    shutil.rmtree(place)


def test_every_package_is_built_with_its_licence(built: Path) -> None:
    """Pure wheels and source archives, whose licence is a file and no link to nowhere."""
    wheels = {path.name.partition("-")[0]: path for path in built.glob(f"*-{version()}-py3-none-any.whl")}
    assert len(wheels) == len(packages())
    for name, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            assert f"{name}-{version()}.dist-info/licenses/LICENSE" in archive.namelist()
        with tarfile.open(built / f"{name}-{version()}.tar.gz") as archive:
            assert archive.getmember(f"{name}-{version()}/LICENSE").isfile()


def test_the_server_part_brings_the_web_page(built: Path) -> None:
    """Who has no checkout gets the built page with the gateway."""
    with zipfile.ZipFile(built / f"docstore_gateway-{version()}-py3-none-any.whl") as archive:
        assert "docstore_gateway/built_page/index.html" in archive.namelist()


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Anyone can build a release again and compare."""
    again = build(tmp_path)
    names = sorted(path.name for path in again.iterdir())
    assert names
    assert [name for name in names if (again / name).read_bytes() != (built / name).read_bytes()] == []


def test_the_client_part_is_small(downloaded: Path) -> None:
    """The download with all dependencies, and no package of the server among them."""
    wheels = list(downloaded.glob("*.whl"))
    ours = {path.name.partition("-")[0].replace("_", "-") for path in wheels if path.name.startswith("docstore")}
    assert ours == CLIENT_PART
    assert sum(path.stat().st_size for path in wheels) < DOWNLOAD_BYTES


def test_the_client_part_takes_little_of_the_disk(installed: Path) -> None:
    """Before anything has run: compiled modules are added later, and double what is written in Python."""
    packages = next(installed.parent.glob("lib/python3*/site-packages"))
    files = [path for path in packages.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < INSTALLED_BYTES


def test_the_command_starts_fast(installed: Path) -> None:
    """Help and version without the server part, in the fastest of ten runs, as CPU time."""
    command = str(installed / "docstore")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "sync" in shown
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    assert said == f"docstore {version()}\n"
    assert min(_cpu_seconds([command, "--help"]) for _ in range(10)) < START_SECONDS


def _cpu_seconds(command: list[str]) -> float:
    """Of this process's one child: a busy machine delays it, and changes little of this."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_the_python_client_and_what_runs_a_server(installed: Path) -> None:
    """The client can be imported; a command of the server names what to install."""
    subprocess.run([str(installed / "python"), "-c", "import docstore_client, docstore_sync"], check=True)
    refused = subprocess.run([str(installed / "docstore"), "up"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == "error: `docstore up` needs the server part: pip install 'docstore[server]'\n"
