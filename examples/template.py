"""A matrix product by a template: the shape of the schedule is written, its numbers are searched.

autosearch tune examples/template.py:product --template examples/template.py:tiles --trials 40
"""

import halide as hl

from autosearch.space.template import Template

SIZE = 512


def product() -> hl.Func:
    """C = A B, in single precision."""
    a, b = hl.ImageParam(hl.Float(32), 2, "a"), hl.ImageParam(hl.Float(32), 2, "b")
    x, y = hl.Var("x"), hl.Var("y")
    k = hl.RDom([(0, SIZE)], "k")
    prod, out = hl.Func("prod"), hl.Func("out")
    prod[x, y] = hl.f32(0)
    prod[x, y] += a[k, y] * b[x, k]
    out[x, y] = prod[x, y]
    out.set_estimates([(0, SIZE), (0, SIZE)])
    return out


def tiles(t: Template) -> None:
    """Register tiles of the product, computed in larger tiles of the output, rows of which are tasks."""
    width, height = t.knob("prod/width", [8, 16, 32]), t.knob("prod/height", [2, 4, 6, 8])
    t.require(width * height <= 128, "more accumulators than registers")
    columns = t.knob("out/columns", [32, 64, 128])
    t["out"].split("x", "x", "xi", columns).split("y", "y", "yi", height)
    t["out"].reorder("xi", "yi", "x", "y").vectorize("xi", 8).parallel("y")
    t["prod"].compute_at("out", "x").vectorize("x", 8).unroll("y")
    update = t["prod"].update()
    update.split("x", "x", "xi", width).split("k", "ko", "ki", t.knob("prod/depth", [1, 2, 4, 8]))
    update.reorder("xi", "y", "ki", "ko", "x").vectorize("xi", 8).unroll("xi").unroll("y").unroll("ki")
    t.alone()
