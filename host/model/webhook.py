"""Requests and responses as the interface `webhooks` has them."""

from msgspec import Struct

from host.model.case import Case


class Header(Struct, frozen=True):
    name: str
    value: str


class Request(Struct, frozen=True):
    """WIT's `webhooks.request`, field by field."""

    method: str
    url: str
    path: str
    parameters: list[Header]
    query: list[Header]
    headers: list[Header]
    body: Case
    delivery_id: str
    attempt: int
    received_at: int
    verified: bool


class Response(Struct, frozen=True):
    """WIT's `webhooks.response`, field by field."""

    status: int
    headers: list[Header]
    body: Case
