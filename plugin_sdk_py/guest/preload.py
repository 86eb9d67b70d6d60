"""Imports what the standard library imports only when it needs it: at run time there is no standard library on disk."""

import importlib

__all__ = ["MODULES", "preload"]

MODULES = (
    "_strptime",  # datetime and time, for strptime
    "_suggestions",  # traceback
    "array",  # socket
    "asyncio",  # for its loop
    "concurrent.futures.thread",  # asyncio.to_thread, which then says that there are no threads
    "email.generator",  # email.message, to make text of it
    "email.policy",  # email.message
    "encodings.ascii",  # every encoding that is not UTF-8 is looked up by its name
    "encodings.cp1252",
    "encodings.idna",
    "encodings.iso8859_15",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_8_sig",
    "gc",  # weakref
    "gzip",
    "importlib.readers",
    "importlib.resources",
    "json.decoder",  # the C scanner, to raise its error
    "pickle",  # logging
    "quopri",  # email
    "stringprep",  # encodings.idna
    "tomllib",
    "traceback",
    "tracemalloc",  # warnings
    "unicodedata",  # the compiler, for \N{...}
    "warnings",  # hmac and most of what is written in C
    "xml.parsers.expat",  # xml.etree.ElementTree
)


def preload() -> None:
    for module in MODULES:
        importlib.import_module(module)
