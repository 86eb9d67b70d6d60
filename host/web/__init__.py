"""The HTTP side: webhooks on their way to plugins, and the operator API. `create_app` puts it together."""
