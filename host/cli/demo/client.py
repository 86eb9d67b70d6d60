"""The demo's side of HTTP: WhatsApp, which posts webhooks, and an operator, who reads what became of them."""

from types import TracebackType
from typing import Any

import httpx2
from msgspec import Struct

TIMEOUT = 60
"""Seconds for one request."""


class Seen(Struct, frozen=True):
    """An organisation as the API shows it: conversations, each with its `messages`, and deliveries, all with the oldest first."""

    conversations: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]


class Client:
    def __init__(self, url: str, token: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=TIMEOUT, trust_env=False)
        self._authorization = {"authorization": f"Bearer {token}"}

    def __repr__(self) -> str:
        return f"<Client {self._http.base_url}>"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def post(self, path: str, body: bytes, signature: str) -> httpx2.Response:
        headers = {"content-type": "application/json", "x-hub-signature-256": signature}
        return self._http.post(path, content=body, headers=headers)

    def get(self, path: str, **query: str) -> httpx2.Response:
        return self._http.get(path, params=query)

    def everything(self, organizations: list[str]) -> dict[str, Seen]:
        return {organization: self._seen(organization) for organization in organizations}

    def _seen(self, organization: str) -> Seen:
        root = f"/v1/orgs/{organization}"
        conversations = self._items(f"{root}/conversations")[::-1]
        for conversation in conversations:
            conversation["messages"] = self._items(f"{root}/conversations/{conversation['id']}/messages")[::-1]
        return Seen(conversations, self._items(f"{root}/deliveries")[::-1])

    def _items(self, path: str) -> list[dict[str, Any]]:
        """All pages of a listing."""
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = self._http.get(path, params=cursor, headers=self._authorization).raise_for_status().json()
            items += answer["items"]
            if answer["next"] is None:
                return items
            cursor = {"cursor": answer["next"]}
