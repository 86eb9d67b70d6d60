"""Invocations: instances lent to them, what commits when they succeed, what is kept when they fail."""
