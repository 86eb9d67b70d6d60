"""One module per command. What is slow to import is imported inside the functions: `innkeeper --help` answers at once."""
