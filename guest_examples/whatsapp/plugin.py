"""WhatsApp (Cloud API): what customers write becomes messages, what happens to ours becomes statuses."""

from mapping import SOURCE, STATUSES, Change, as_text, changes

from plugin_sdk_py import Incoming, Invalid, Plugin, Request, challenge, hmac, inject

plugin = Plugin(
    "whatsapp",
    version="1.0.0",
    description="Receives WhatsApp messages and the statuses of sent ones, by the Cloud API's webhooks",
)
plugin.channel(source=SOURCE, name="WhatsApp", description="WhatsApp Business, by Meta's Cloud API", icon="whatsapp")
plugin.needs("messages.receive", reason="customers' messages and the statuses of ours come in by the webhook")
plugin.setting("phone_number_id", str, description="Only messages of this number (its id is on the app's page WhatsApp > API setup)")
plugin.secret("app_secret", purpose="verify", description="From the app's page Settings > Basic: Meta signs webhooks with it")
plugin.secret("webhook_verify_token", purpose="verify", description="What you enter as the verify token when you subscribe the webhook")
plugin.secret(
    "access_token",
    purpose=inject(header="authorization", template="Bearer {secret}", hosts=["graph.facebook.com"]),
    description="Token of a system user, for requests to the Cloud API",
    required=False,
)


@plugin.post(
    "/webhook",
    auth=hmac(secret="app_secret", header="x-hub-signature-256", prefix="sha256="),
    challenge=challenge(
        secret="webhook_verify_token",
        token_parameter="hub.verify_token",
        challenge_parameter="hub.challenge",
        expect={"hub.mode": "subscribe"},
    ),
    body="json",
)
def webhook(request: Request) -> dict[str, int]:
    """Meta's webhook: messages and statuses, several at a time."""
    mine = [change for change in changes(request.json()) if is_mine(change)]
    for change in mine:
        take(change, request.received_at)
    return {"messages": sum(len(change.messages) for change in mine), "statuses": sum(len(change.statuses) for change in mine)}


def is_mine(change: Change) -> bool:
    """Whether it is about messages of this organisation's phone number."""
    if change.field != "messages":
        plugin.log.info("ignored a change of another field", field=change.field)
        return False
    number = plugin.settings.get("phone_number_id")
    if number and change.phone_number_id != number:
        plugin.log.warn("skipped a change of another phone number", phone_number_id=change.phone_number_id, expected=number)
        return False
    return True


def receive(message: Incoming) -> None:
    """What can't be kept as it is, a number beyond 64 bits for example, is kept as text: nothing that came in is lost."""
    try:
        plugin.messages.receive(message)
    except (Invalid, ValueError) as error:
        plugin.log.warn("kept a message as text", reason=str(error))
        plugin.messages.receive(as_text(message))


def take(change: Change, received_at: int) -> None:
    for message in change.messages:
        receive(message)
    for status in change.statuses:
        if status.status in STATUSES:
            plugin.messages.update_status(
                source=SOURCE, external_id=status.external_id, status=status.status, at=status.at or received_at, detail=status.detail
            )
        else:
            plugin.log.warn("skipped a status that is not known", **status._asdict())
    if change.errors:
        plugin.log.error("WhatsApp reports errors", errors=change.errors)
