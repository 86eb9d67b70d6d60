"""Plain Python data that an embedder hands over, as the JSON that guests get."""

import json
from typing import Any

from host.capabilities import jsontext
from host.model.errors import invalid


def object_text(what: str, data: Any) -> tuple[dict[str, Any], str]:
    """The object as a guest will read it, and its JSON. Raises `HostError` `invalid`, which names `what`.

    Refused is what JSON does not have: other types, NaN, cycles; and what can't be kept: see `jsontext`.
    """
    if not isinstance(data, dict):
        raise invalid(f"{what}: a JSON object is needed, not {type(data).__name__}")
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid(f"{what}: not JSON: {error}") from None
    return jsontext.parse(what, text)
