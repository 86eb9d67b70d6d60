"""Which organisation a request is for."""

from host.model.errors import RequestError
from host.web.head import Head

PARAMETER = "organizationId"
HEADER = "x-organization-id"


def organization_of(head: Head) -> str:
    """What the path, the query's `organizationId`, the header X-Organization-Id or the host's name says.

    Each may be given several times; all must say the same. Raises `RequestError`: the answer depends on the request alone, and tells
    nothing about which organisations there are.
    """
    given = {value for name, value in head.query if name == PARAMETER}
    given.update(head.values(HEADER))
    given.update(name for name in (head.organization, head.subdomain) if name is not None)
    if not given:
        raise RequestError(
            400,
            "organization.missing",
            f"which organisation? Name it in the query ({PARAMETER}=ORG), the header X-Organization-Id, or the path (/v1/orgs/ORG/...)",
        )
    if len(given) > 1:
        raise RequestError(400, "organization.ambiguous", "the path, the query, the headers and the host name more than one organisation")
    return given.pop()
