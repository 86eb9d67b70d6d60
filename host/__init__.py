"""The host of plugins. Public names of the library; everything else is in the rooms below."""
