"""Imports what the standard library imports only when it needs it: at run time there is no standard library on disk."""

import importlib

__all__ = ["MODULES", "preload"]

MODULES = (
    "_strptime",
    "asyncio",
    "base64",
    "calendar",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "email.message",
    "email.parser",
    "email.policy",
    "email.utils",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_16_le",
    "encodings.utf_8_sig",
    "enum",
    "fractions",
    "gzip",
    "hashlib",
    "hmac",
    "html",
    "html.parser",
    "http",
    "importlib.resources",
    "inspect",
    "ipaddress",
    "json",
    "locale",
    "logging",
    "mimetypes",
    "pprint",
    "quopri",
    "random",
    "secrets",
    "statistics",
    "string",
    "stringprep",
    "textwrap",
    "tomllib",
    "traceback",
    "unicodedata",
    "urllib.parse",
    "uuid",
    "warnings",
    "xml.etree.ElementTree",
    "zlib",
    "zoneinfo",
)


def preload() -> None:
    for module in MODULES:
        importlib.import_module(module)
