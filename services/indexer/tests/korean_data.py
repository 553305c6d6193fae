"""Tesseract's data for Korean, from Debian: PyPI has none."""

import shutil
import subprocess
from pathlib import Path

from docstore_indexer.extraction.languages import DEBIAN

PACKAGE = "tesseract-ocr-kor"
CACHE = Path.home() / ".cache" / "docstore" / "tessdata"


def korean_data() -> Path:
    """Return a folder with `kor.traineddata`: the system's, or fetched from Debian's registry and kept in the cache.

    RuntimeError where neither is to be had.
    """
    for folder in (*DEBIAN, CACHE):
        if (folder / "kor.traineddata").exists():
            return folder
    unpacked = CACHE / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    try:
        subprocess.run(["apt-get", "download", "-qq", PACKAGE], cwd=unpacked, check=True, capture_output=True)
        (package,) = unpacked.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(unpacked)], check=True, capture_output=True)
        (data,) = unpacked.rglob("kor.traineddata")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"{PACKAGE} is neither installed nor to be had from Debian: {error}") from error
    return data.rename(CACHE / data.name).parent
