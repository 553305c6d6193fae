"""The main job: after sign-up and upload, everything else happens by events."""

import asyncio
from typing import Any

import boto3
import pytest
from botocore.config import Config
from deployments import Bucket, Mailbox
from people import Person

from docstore_cli.demo.documents import DOCUMENTS
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

MIB = 1 << 20


def s3_of(credentials: dict[str, Any]) -> Any:
    """Any S3 tool with the credentials that an upload was given."""
    return boto3.client(
        "s3",
        endpoint_url=credentials["endpoint"],
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        aws_session_token=credentials["session_token"],
        region_name=credentials["region"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


async def upload_with_s3_tool(person: Person, path: str, content: bytes) -> dict[str, Any]:
    upload = await person.begin(path, len(content), "credentials")
    granted = upload["credentials"]
    target = {"Bucket": granted["bucket"], "Key": granted["key"]}
    await asyncio.to_thread(s3_of(granted).put_object, **target, Body=content)
    return await person.complete(upload)


async def told_of(mailbox: Mailbox, person: Person, *words: str) -> None:
    """Returns once one mail to the person has all the words."""

    async def mailed() -> bool:
        texts = [f"{mail.subject}\n{mail.text}" for mail in mailbox.of(person.email)]
        return any(all(word in text for word in words) for text in texts)

    await eventually(mailed)


@pytest.mark.parametrize("method", ["form", "put", "multipart", "credentials"])
async def test_uploads_are_listed_counted_and_searchable(ada: Person, method: str) -> None:
    """By each of the four ways, the bytes come back as they went, and everyone finds the file by its name."""
    path, content = f"/reports/kestrel {method}.bin", bytes(range(256)) * 40
    if method == "credentials":
        file = await upload_with_s3_tool(ada, path, content)
    else:
        file = await ada.upload(path, content, method)
    assert (file["path"], file["size"], file["version"]) == (path, len(content), 1)
    assert await ada.names("/reports") == [path.rpartition("/")[2]]
    assert await ada.content(file["id"]) == content
    await ada.counted(len(content))
    (hit,) = await ada.found("kestrel", path)
    assert hit["file"]["id"] == file["id"]


@pytest.mark.parametrize("method", ["form", "put", "multipart", "credentials"])
async def test_an_upload_is_notified_by_mail_once(ada: Person, mailbox: Mailbox, method: str) -> None:
    """Its owner gets one mail that names the file."""
    path = f"/letter by {method}.txt"
    if method == "credentials":
        await upload_with_s3_tool(ada, path, b"Dear Ada")
    else:
        await ada.upload(path, b"Dear Ada", method)
    await told_of(mailbox, ada, f"letter by {method}.txt")
    await ada.upload("/second.txt", b"and then")
    await told_of(mailbox, ada, "second.txt")
    assert sum(f"letter by {method}.txt" in mail.text for mail in mailbox.of(ada.email)) == 1


async def test_premium_finds_the_text_of_documents_and_scans(grace: Person) -> None:
    """A PDF, a Word document and a scanned receipt are found by words in them, with a snippet that marks the word."""
    for document in DOCUMENTS:
        await grace.upload(document.path, document.make(), content_type=document.content_type)
    for document in DOCUMENTS:
        (hit,) = await grace.found(document.word, document.path, **{"in": "content"})
        assert f"<mark>{document.word}</mark>" in hit["snippet"].lower()


async def test_the_text_is_for_premium(ada: Person) -> None:
    """On the free plan a search of the text is refused, and one by name does not look into the text."""
    await ada.upload("/plain.txt", b"lighthouse", content_type="text/plain")
    assert await ada.refused("GET", "/v1/search?q=lighthouse&in=content") == (403, "premium_required")
    await ada.found("plain", "/plain.txt")
    assert await ada.search("lighthouse") == []


async def test_a_plan_decides_whether_the_text_is_searchable(ada: Person) -> None:
    """Moving to premium makes the text of earlier files searchable; going back takes it out again."""
    await ada.upload("/early.txt", b"the old lighthouse", content_type="text/plain")
    await ada.found("early", "/early.txt")
    await ada.choose("premium")
    await ada.found("lighthouse", "/early.txt", **{"in": "content"})
    await ada.choose("free")
    await ada.found("early", "/early.txt")


async def test_a_batch_of_small_files(ada: Person) -> None:
    """Many files with two calls: each is listed, counted and found once."""
    files = {f"/batch/osprey {number:02}.txt": f"number {number}".encode() for number in range(40)}
    await ada.upload_batch(files)
    assert await ada.names("/batch") == sorted(path.rpartition("/")[2] for path in files)
    await ada.counted(sum(map(len, files.values())))
    await ada.found("osprey", *files)


async def test_a_large_file_goes_in_parts(grace: Person) -> None:
    """Several parts, sent in any order, are one file."""
    content = bytes(MIB) * 5 + b"the second part"
    upload = await grace.begin("/film.mp4", len(content), "multipart")
    parts, size = upload["multipart"]["parts"], upload["multipart"]["part_size"]
    if size > len(content):
        assert len(parts) == 1
    for part in reversed(parts):
        await grace.put_part(part["url"], content[(part["number"] - 1) * size : part["number"] * size])
    file = await grace.complete(upload)
    assert await grace.content(file["id"]) == content


async def test_credentials_open_one_prefix_only(ada: Person, grace: Person, bucket: Bucket) -> None:
    """The S3 tool of one person can't write, read or list another's objects, nor its own other uploads."""
    theirs = await grace.upload("/secret.txt", b"secret")
    (their_key,) = await bucket.keys(grace.id)
    granted = (await ada.begin("/mine.txt", 10, "credentials"))["credentials"]
    s3 = s3_of(granted)
    name = granted["bucket"]
    sibling = granted["key"].replace("/incoming/", "/other/")
    attempts = [
        lambda: s3.get_object(Bucket=name, Key=their_key),
        lambda: s3.put_object(Bucket=name, Key=their_key, Body=b"mine now"),
        lambda: s3.create_multipart_upload(Bucket=name, Key=their_key),
        lambda: s3.list_objects_v2(Bucket=name, Prefix=f"accounts/{grace.id}/"),
        lambda: s3.put_object(Bucket=name, Key=sibling, Body=b"elsewhere"),
    ]
    for attempt in attempts:
        with pytest.raises(s3.exceptions.ClientError) as refused:
            await asyncio.to_thread(attempt)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert await grace.content(theirs["id"]) == b"secret"
