"""The HTTP side as one application."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from host.model.errors import RequestError
from host.runtime.runtime import Runtime
from host.web.addresses import Addresses
from host.web.conversations import list_conversations, list_messages
from host.web.deliveries import list_deliveries, show_delivery
from host.web.errors import UnexpectedErrors, on_http_exception, on_request_error
from host.web.health import healthz, readyz
from host.web.organizations import list_organizations, list_plugins, show_usage
from host.web.requests import Requests
from host.web.suspects import Suspects
from host.web.webhooks import Webhooks

OF = "/v1/orgs/{organization}"


def create_app(runtime: Runtime) -> Starlette:
    """The application over an open runtime. Whoever opened it closes it, after the last request:

        async with Runtime.opened(data, cache) as runtime:
            await uvicorn.Server(uvicorn.Config(create_app(runtime))).serve()

    In another ASGI application it can be mounted below any path, in a lifespan that opens the runtime. Its options say where senders find
    the application's root (`public_url`), and below which domain each organisation has a subdomain (`base_domain`).
    """
    suspects = Suspects(runtime.options.refusals_per_minute_per_address)
    webhooks = Webhooks(runtime, suspects)
    app = Starlette(
        routes=[
            # The hot path first.
            Route("/v1/plugins/{path:path}", webhooks, name="plugin"),
            Route(f"{OF}/plugins/{{path:path}}", webhooks, name="plugin_of_organization"),
            Route("/v1/orgs", list_organizations),
            Route(f"{OF}/plugins", list_plugins),
            Route(f"{OF}/usage", show_usage),
            Route(f"{OF}/conversations", list_conversations),
            Route(f"{OF}/conversations/{{id}}/messages", list_messages),
            Route(f"{OF}/deliveries", list_deliveries),
            Route(f"{OF}/deliveries/{{id}}", show_delivery),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        middleware=[
            Middleware(Requests, runtime),
            Middleware(UnexpectedErrors),
            Middleware(Addresses, suspects),
        ],
        exception_handlers={RequestError: on_request_error, HTTPException: on_http_exception},
    )
    app.state.runtime = runtime
    # A slash at the end makes another path: for a plugin's route that is the rule, and for ours no exception.
    app.router.redirect_slashes = False
    return app
