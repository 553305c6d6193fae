"""Pictures in several languages."""

from pathlib import Path

import indexer_documents as documents
import pytest
from korean_data import korean_data

from docstore_indexer.extraction.languages import PACKAGED, LanguagesMissing, TrainedData
from docstore_indexer.extraction.service import Extractor


async def read(data: bytes, trained: TrainedData, folder: Path, languages: str) -> str:
    path = folder / "download"
    path.write_bytes(data)
    extractor = Extractor(ocr=trained)
    try:
        return (await extractor.extract(path, "image/png", "scan.png", languages)).text
    finally:
        await extractor.close()


async def test_a_german_scan_has_its_umlauts(tmp_path: Path) -> None:
    """With German data, which is packaged, "Größe" is read as such; in English it is not."""
    trained = TrainedData.find([PACKAGED], tmp_path / "languages")
    trained.link()
    scan = documents.png("Die Größe der Häuser")
    assert await read(scan, trained, tmp_path, "deu") == "Die Größe der Häuser"
    assert "Größe" not in await read(scan, trained, tmp_path, "eng")


async def test_a_korean_scan_is_read_with_debians_data(tmp_path: Path) -> None:
    """Data of another folder, behind a link, is read inside the sandbox; its data comes from Debian's registry."""
    try:
        folder = korean_data()
    except RuntimeError as error:
        pytest.skip(f"Korean is NOT proven by this run: {error}")
    trained = TrainedData.find([folder, PACKAGED], tmp_path / "languages", "kor+eng")
    trained.link()
    text = await read(documents.KOREAN_LETTER.read_bytes(), trained, tmp_path, trained.default)
    assert "보고서를 미리 검토해 주시기 바라며" in text


def test_a_language_without_data_is_named(tmp_path: Path) -> None:
    """The default must have data; of an account's languages those without are left out."""
    (tmp_path / "deu.traineddata").touch()
    (tmp_path / "osd.traineddata").touch()
    trained = TrainedData.find([tmp_path], tmp_path / "languages", "kor+deu")
    with pytest.raises(LanguagesMissing, match="no data for kor; there is for deu"):
        trained.link()
    assert trained.available == ["deu"]
    assert (trained.chosen(["kor", "deu"]), trained.chosen(["kor"])) == ("deu", "kor+deu")
