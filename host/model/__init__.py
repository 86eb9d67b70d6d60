"""Plain data: what crosses the boundary, what an invocation wishes for, what it may use. Imports nothing of ours."""
