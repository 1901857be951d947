"""Cases of every exercise: calls that its contract allows, each with the exact answer. One module a notebook."""
