"""What to do about what is missing, as the commands are spelled: one place, so that no message names one that is not there."""


def grant(plugin: str, capability: str, organization: str) -> str:
    """The command that gives a grant. The path is that of the plugin's folder or component."""
    return f"innkeeper install PATH-OF-{plugin.upper()} --org {organization} --grant {capability}"


def set_secret(plugin: str, name: str, organization: str) -> str:
    """The command that sets a secret."""
    return f"innkeeper install PATH-OF-{plugin.upper()} --org {organization} --secret {name}=@FILE"
