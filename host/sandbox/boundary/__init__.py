"""Values in and out, with a plan compiled once per function type, over the C API.

A WIT value is a Python value: integers and floats, `bool`, `str`; `list<u8>` is `bytes`, a list is a `list`, a tuple a `tuple`;
an option is the value or None; an enum case its name; a variant a `Case`; a result `Ok` or `Err`; a resource its handle. A record
is the Struct class that the function's annotations name for it, checked against the WIT type field by field when the plan is
compiled, or else a named tuple.
"""

from host.sandbox.boundary.lift import Lifting
from host.sandbox.boundary.plan import Plan

__all__ = ["Lifting", "Plan"]
