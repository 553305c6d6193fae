"""The version before this one, run from the repository's history beside the present one.

Its sources are extracted from git, and run on the third-party packages that are installed for the present version.
"""

import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from docstore_platform.old_setting_names import OLD_NAMES

PREVIOUS_VERSION = "e13f6c384267f958018c671b6039bcbf64bb4a85"
"""The last commit of the version before: data and rolling upgrades from it must work."""
ROOT = Path(__file__).parents[2]
FOLDERS = ("libs", "services", "deploy", "clients")


class NotInHistory(Exception):
    """There is no git repository here, or it ends after that commit."""


def known_to_both(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables, also by the names that the version before knows them by."""
    old_names = {
        f"{prefix}{new}".upper(): f"{prefix}{old}".upper()
        for prefix, renamed in OLD_NAMES.items()
        for old, new in renamed.items()
    }
    return {**environment, **{old_names[name]: value for name, value in environment.items() if name in old_names}}


def extract(target: Path, commit: str = PREVIOUS_VERSION, folders: Sequence[str] = FOLDERS) -> None:
    """Write these folders of a commit, all if none is named, fetched if the clone is shallow. Raises NotInHistory."""
    try:
        if subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, capture_output=True).returncode:
            _git("fetch", "--quiet", "--depth=1", "origin", commit)
        archive = _git("archive", commit, *folders)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        raise NotInHistory(f"commit {commit} can't be read from the history of {ROOT}: {error}") from error
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def previous_python(folder: Path, commit: str = PREVIOUS_VERSION) -> Path:
    """A Python interpreter that imports our packages as they were at a commit. Raises NotInHistory."""
    extract(folder / "sources", commit)
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    sources = sorted((folder / "sources").glob("*/*/src"))
    # A folder named here is searched, its own .pth files are not read: those would name the present sources.
    paths = [*map(str, sources), sysconfig.get_path("purelib")]
    (packages,) = environment.glob("lib/*/site-packages")
    (packages / "previous.pth").write_text("\n".join(paths))
    (environment / "bin" / "weed").symlink_to(Path(sysconfig.get_path("scripts")) / "weed")  # looked for beside Python
    return environment / "bin" / "python"
