"""The scenarios of `benchmarks.chaos`, each a module that gives its bars."""
