"""What a person wants to see: the conversations, and what each delivery took. Fits into 80 columns."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.cli.demo.client import Seen
from host.cli.demo.expected import messages
from host.cli.demo.house import ORGANIZATIONS
from host.cli.demo.post import Sent
from host.cli.output import console, plain, table

if TYPE_CHECKING:
    from rich.console import Console

MIB = 1024 * 1024


def everything(sent: list[Sent], seen: dict[str, Seen], wrong: list[str]) -> None:
    out = console()
    for organization, what in seen.items():
        _conversations(out, organization, what)
    for organization, what in seen.items():
        _deliveries(out, organization, [each for each in sent if each.organization == organization and each.recorded], what)
    _summary(out, seen, wrong)


def addresses(url: str, folder: Path) -> None:
    """Where everything is, while it is left running."""
    for organization in ORGANIZATIONS:
        print(f"webhook         {url}/v1/orgs/{organization}/plugins/whatsapp/webhook")
        print(f"conversations   {url}/v1/orgs/{organization}/conversations")
        print(f"deliveries      {url}/v1/orgs/{organization}/deliveries")
    print(f"operator token  {folder / 'operator.token'}")
    header = f"Authorization: Bearer $(cat {folder / 'operator.token'})"
    print(f'for example     curl -H "{header}" {url}/v1/orgs/{ORGANIZATIONS[0]}/conversations')
    print("Ctrl-C ends it and removes its data.", flush=True)


def _conversations(out: "Console", organization: str, seen: Seen) -> None:
    out.print(f"\nConversations of {organization}", style="bold")
    for conversation in seen.conversations:
        customer = conversation["customer"]
        who = ", ".join(identity["external_id"] for identity in customer["identities"])
        out.print(plain(f"\n  {customer['name']}  ({conversation['source']} {who}, {conversation['status']})"), style="cyan")
        by_id = {message["external_id"]: message for message in conversation["messages"]}
        for message in conversation["messages"]:
            out.print(plain(f"    {_line(message, by_id)}"))


def _line(message: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> str:
    arrow = "<-" if message["direction"] == "inbound" else "->"
    parts = [f"{arrow} {message['kind']:<12}", (message["text"] or "").replace("\n", " / ")]
    parts += [f"[{_attachment(attachment)}]" for attachment in message["attachments"]]
    if replied := by_id.get(message["reply_to"] or ""):
        parts.append(f'(to "{replied["text"]}")')
    elif message["reply_to"]:
        parts.append("(to a message from before)")
    return " ".join(filter(None, [*parts, f"· {message['status']}"]))


def _attachment(attachment: dict[str, Any]) -> str:
    about = [attachment["kind"], attachment["mime_type"], attachment["filename"]]
    place = attachment["metadata"] or {}
    about += [f"{place[key]}" for key in ("name", "latitude", "longitude") if key in place]
    return " ".join(filter(None, about))


def _deliveries(out: "Console", organization: str, sent: list[Sent], seen: Seen) -> None:
    out.print(f"\nDeliveries of {organization}", style="bold")
    names = [each.what for each in sent] if len(sent) == len(seen.deliveries) else ["?"] * len(seen.deliveries)
    rows = [_row(what, delivery) for what, delivery in zip(names, seen.deliveries, strict=True)]
    numbers = ("ms", "fuel", "memory", "effects")
    out.print(table("what", "status", "instance", *numbers, rows=rows, right=numbers))


def _row(what: str, delivery: dict[str, Any]) -> tuple[str, ...]:
    ran = delivery["runs"] > 0
    return (
        what,
        str(delivery["status"]),
        ("cold" if delivery["cold"] else "warm") if ran else "none",
        f"{delivery['duration_us'] / 1000:.1f}",
        f"{delivery['fuel'] / 1e6:.2f} M" if ran else "",
        f"{delivery['memory'] / MIB:.1f} MiB" if ran else "",
        str(delivery["effects"]) if ran else "",
    )


def _summary(out: "Console", seen: dict[str, Seen], wrong: list[str]) -> None:
    for sentence in wrong:
        print(f"WRONG: {plain(sentence)}", file=sys.stderr)
    if wrong:
        return
    counts = ", ".join(f"{len(messages(what))} in {organization}" for organization, what in seen.items())
    out.print(
        f"All as it should be. Messages: {counts}; the webhook that came twice added nothing, the one with a wrong signature was refused."
    )
    out.print("The two statuses name messages that this host has not sent: they wait 24 hours for them.")
