"""`docstore mail`: the emails that a stack has sent."""

from typing import Any

from rich.markup import escape

from docstore_cli.options import AsJson, Data, console, print_json
from docstore_cli.stack.options import settings_for
from docstore_standalone.embedded.mailbox import MAILBOX_FOLDER, Mail, read_mailbox
from docstore_standalone.state import read_state, region_folders


def mail(data: Data = None, as_json: AsJson = False, limit: int = 20) -> None:
    """Show the emails that the local SES received, newest last."""
    folder = settings_for(data).data
    folders = region_folders(folder, read_state(folder)).values()
    received = [mail for one in folders for mail in read_mailbox(one / MAILBOX_FOLDER)]
    mails = sorted(received, key=lambda mail: mail.received_at)[-limit:]
    if as_json:
        print_json([_as_dict(one) for one in mails])
        return
    if not mails:
        console.print("No mail yet.")
    for one in mails:
        console.rule(f"{one.received_at:%Y-%m-%d %H:%M:%S}  {escape(one.subject)}", align="left")
        recipients = escape(", ".join(one.recipients))
        # Not wrapped, so that links stay whole.
        console.print(f"[dim]to {recipients}[/]\n{escape(one.text.strip())}\n", highlight=False, soft_wrap=True)


def _as_dict(one: Mail) -> dict[str, Any]:
    return {
        "message_id": one.message_id,
        "received_at": one.received_at,
        "from": one.sender,
        "to": one.recipients,
        "subject": one.subject,
        "text": one.text,
        "html": one.html,
    }
