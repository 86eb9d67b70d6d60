"""The sandbox: components, instances, calls. Wasmtime and nothing else: it knows no organisation, no SQL and no HTTP."""
