"""What an invocation sees: the platform's reads and its own effects, one module per noun."""
