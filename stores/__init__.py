"""Tables, migrations, and functions over a database connection."""
