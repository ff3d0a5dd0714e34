"""The laboratory: strategies replayed against spaces that were measured before. Nothing is compiled; Halide isn't needed."""
