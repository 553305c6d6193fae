"""Previews through the gateway: of every upload method, for share recipients, until deletion."""

import io
import shutil
from typing import Any

import office_samples
import pytest
from people import Person
from PIL import Image

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


def picture(colour: str, size: tuple[int, int] = (900, 600)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


async def shown(person: Person, file: dict[str, Any], size: str = "small") -> Image.Image:
    """The preview that a person is redirected to, once the file is marked as having one."""

    async def ready() -> Any:
        return (await person.call("GET", f"/v1/files/{file['id']}"))["preview"]

    await eventually(ready)
    answer = await person.ask("GET", f"/v1/files/{file['id']}/preview?size={size}")
    assert answer.status == 302, answer
    async with person._session.get(answer.headers["location"]) as response:
        assert response.status == 200
        return Image.open(io.BytesIO(await response.read()))


def is_red(image: Image.Image) -> bool:
    red, green, blue = image.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    return bool(red > 200 and green < 60 and blue < 60)


async def test_a_picture_is_shown_to_its_readers_until_it_is_gone(ada: Person, grace: Person) -> None:
    """Owner and reader see it, the newest version of it, and no one once the share has ended or the file is deleted."""
    file = await ada.upload("/red.png", picture("red"), content_type="image/png")
    assert (await shown(ada, file)).size == (320, 213)
    assert (await shown(ada, file, "large")).size == (900, 600)
    preview = f"/v1/files/{file['id']}/preview?size=small"
    assert await grace.refused("GET", preview) == (404, "not_found")
    share = await ada.share(file, grace)
    assert is_red(await shown(grace, file))
    await ada.upload("/red.png", picture("blue"), content_type="image/png")
    assert not is_red(await shown(grace, file))
    await ada.call("DELETE", f"/v1/files/{file['id']}/shares/{share['id']}")
    assert await grace.refused("GET", preview) == (404, "not_found")
    await ada.call("DELETE", f"/v1/files/{file['id']}")
    assert await ada.refused("GET", preview) == (404, "not_found")
    await ada.call("POST", f"/v1/files/{file['id']}/restore", {})
    assert not is_red(await shown(ada, file))


async def test_content_in_blocks_has_a_preview(ada: Person) -> None:
    """However the bytes came, they are one picture."""
    data = picture("red", (2000, 1500))
    half = len(data) // 2
    file = await ada.upload_blocks("/blocks.png", [data[:half], data[half:]])
    assert is_red(await shown(ada, file))


async def test_a_file_without_preview_has_a_code(ada: Person) -> None:
    """Text has none, and neither has a folder."""
    file = await ada.upload("/docs/a.txt", b"text")
    for file_id in (file["id"], file["parent_id"]):
        assert await ada.refused("GET", f"/v1/files/{file_id}/preview") == (404, "no_preview")
    assert file["preview"] is False


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
async def test_the_pages_of_an_office_document_are_shown(ada: Person) -> None:
    """Its first one beforehand, the others when they are asked for; why a protected one has none."""
    file = await ada.upload("/letter.docx", office_samples.docx(2), content_type="application/octet-stream")
    protected = await ada.upload("/protected.docx", office_samples.ENCRYPTED)
    first = await shown(ada, file, "large")
    assert first.width < first.height == 1600
    about = await ada.call("GET", f"/v1/files/{file['id']}/media")
    assert (about["state"], about["kind"], about["pages"]) == ("ready", "pdf", 2)

    async def second_page() -> Any:
        answer = await ada.ask("GET", f"/v1/files/{file['id']}/preview?page=2")
        assert answer.status in (302, 503), answer
        return answer.status == 302

    await eventually(second_page)

    async def failed() -> Any:
        return (await ada.call("GET", f"/v1/files/{protected['id']}/media"))["reason"]

    assert await eventually(failed) == "encrypted"
