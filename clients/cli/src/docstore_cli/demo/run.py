"""The main job of DocStore, end to end, for a new account on a running stack."""

import html
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from docstore_cli.api import ApiClient
from docstore_cli.demo.documents import DOCUMENTS
from docstore_cli.demo.timeline import Seen, following
from docstore_events.catalogue.files import FileIndexed
from docstore_events.catalogue.notifications import NotificationSent
from docstore_events.catalogue.uploads import UploadCompleted
from docstore_events.catalogue.usage import UsageChanged
from docstore_platform.ids import new_id
from docstore_standalone.embedded.mailbox import Mail

PASSWORD = "a demo needs no better password"


@dataclass(frozen=True, slots=True)
class DemoStack:
    """Addresses of the running stack."""

    gateway: str
    kafka_bootstrap: str
    admin_email: str
    admin_password: str


async def run_main_job(stack: DemoStack, console: Console) -> str:
    """Sign up, upload in three ways and show the events that follow. Return the email address."""
    email = f"ada-{new_id()[-8:]}@example.org"
    async with ApiClient(stack.gateway) as api:
        await api.sign_up(email, PASSWORD)
        console.print(f"[bold]1.[/] {email} signed up; an administrator gave them the premium plan.")
        async with following(stack.kafka_bootstrap, api.account["id"]) as timeline:
            await _give_premium(stack, api.account["id"])
            await _upload_all(api, console)
            console.print("[bold]3.[/] Everything else happens by events:")
            await timeline.until(_all_done)
        console.print(timeline.table())
        await _show_usage(api, console)
        await _show_searches(api, console)
    return email


async def _give_premium(stack: DemoStack, account_id: str) -> None:
    """Set the plan as an administrator: users may not change it in every deployment."""
    async with ApiClient(stack.gateway) as admin:
        await admin.log_in(stack.admin_email, stack.admin_password)
        await admin.call("PATCH", f"/v1/admin/accounts/{account_id}", {"plan": "premium"})


async def _upload_all(api: ApiClient, console: Console) -> None:
    ways = {"form": "as a browser's form", "put": "by a signed PUT", "multipart": "in parts"}
    for document, (method, how) in zip(DOCUMENTS, ways.items(), strict=True):
        content = document.make()
        await api.upload(document.path, content, method, content_type=document.content_type)
        console.print(f"[bold]2.[/] {document.path} ({len(content):,} bytes) went straight to S3 {how}.")


def _all_done(events: list[Seen]) -> bool:
    """Whether every upload is counted and searchable and the first email is sent; the summary follows minutes later."""
    uploads = {seen.event.upload_id: seen.id for seen in events if isinstance(seen.event, UploadCompleted)}
    counted = {one for seen in events if isinstance(seen.event, UsageChanged) for one in seen.event.upload_ids}
    mails = [
        seen.event for seen in events if isinstance(seen.event, NotificationSent) and seen.event.channel == "email"
    ]
    mailed = {one for mail in mails for one in mail.cause_ids}
    texts = {
        seen.event.file_id for seen in events if isinstance(seen.event, FileIndexed) and seen.event.mode == "fulltext"
    }
    whole = len(uploads) == len(DOCUMENTS) == len(texts)
    return whole and uploads.keys() <= counted and not mailed.isdisjoint(uploads.values())


async def _show_usage(api: ApiClient, console: Console) -> None:
    usage = (await api.call("GET", "/v1/me"))["usage"]
    console.print(
        f"[bold]4.[/] Usage: {usage['used']:,} of {usage['limit']:,} bytes, {usage['reserved']:,} still reserved."
    )


async def _show_searches(api: ApiClient, console: Console) -> None:
    table = Table(title="Search in the text, scans included", title_justify="left")
    for name in ("searched for", "found", "snippet"):
        table.add_column(name)
    for document in DOCUMENTS:
        for hit in (await api.call("GET", f"/v1/search?q={document.word}&in=content"))["items"]:
            table.add_row(document.word, hit["file"]["path"], _marked(hit["snippet"]))
    console.print(table)


def _marked(snippet: str) -> Text:
    """Convert a snippet (escaped HTML) to text with bold marks."""
    text = Text()
    for number, piece in enumerate(snippet.replace("</mark>", "<mark>").split("<mark>")):
        text.append(html.unescape(piece), style="bold yellow" if number % 2 else "")
    return text


def show_mails(mails: list[Mail], console: Console) -> None:
    table = Table(title="E-mails the local SES received", title_justify="left")
    for name in ("to", "subject"):
        table.add_column(name)
    for mail in mails:
        table.add_row(", ".join(mail.recipients), mail.subject)
    console.print(table)
