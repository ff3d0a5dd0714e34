"""Template spaces small enough to be measured to the last point: a pipeline, and a function that schedules it with knobs.

The shapes are those that experts write for the pipelines of the same names in `benchmarks/pipelines`; sizes are such that
a point is measured in a fraction of a second. `python -m benchmarks.record_space` measures them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import halide as hl

from autosearch.space.template import Template


@dataclass(frozen=True)
class TemplateSpace:
    """What makes one space."""

    pipeline: Callable[[], hl.Func]
    template: Callable[[Template], None]


def blur() -> hl.Func:
    """A 3x3 box blur of 1024x1024 uint16, in two separable passes."""
    image = hl.ImageParam(hl.UInt(16), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    blur_x, blur_y = hl.Func("blur_x"), hl.Func("blur_y")
    blur_x[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 3
    blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3
    blur_y.set_estimates([(0, 1024), (0, 1024)])
    return blur_y


def blur_template(t: Template) -> None:
    """Strips of rows, or tiles, as tasks or in one thread; the first pass inline, sliding, per strip, or at root."""
    rows = t.knob("blur_y/rows", [4, 8, 16, 32, 64, 128])
    columns = t.knob("blur_y/columns", [0, 64, 256])
    lanes = t.knob("blur_y/lanes", [8, 16, 32])
    out = t["blur_y"].split("y", "y", "yi", rows)
    if columns:
        out.split("x", "x", "xi", columns).reorder("xi", "yi", "x", "y")
    inner = "xi" if columns else "x"
    out.vectorize(inner, lanes)
    if t.knob("blur_y/parallel", ["no", "yes"]) == "yes":
        out.parallel("y")
    place = t.knob("blur_x/place", ["inline", "slide", "slide in registers", "tile", "root"])
    if place != "inline":
        tile = "x" if columns else "y"
        first = t["blur_x"]
        if place == "root":
            first.compute_root().parallel("y", 32)
        elif place == "tile":
            first.compute_at("blur_y", tile)
        else:
            first.store_at("blur_y", tile).compute_at("blur_y", "yi" if place == "slide" else inner)
        first.vectorize("x", t.knob("blur_x/lanes", [8, 16, 32]))
    t.alone()


def product() -> hl.Func:
    """A matrix product, C = A B, of 256x256 float32."""
    a, b = hl.ImageParam(hl.Float(32), 2, "a"), hl.ImageParam(hl.Float(32), 2, "b")
    x, y = hl.Var("x"), hl.Var("y")
    k = hl.RDom([(0, 256)], "k")
    prod, out = hl.Func("prod"), hl.Func("out")
    prod[x, y] = hl.f32(0)
    prod[x, y] += a[k, y] * b[x, k]
    out[x, y] = prod[x, y]
    out.set_estimates([(0, 256), (0, 256)])
    return out


def product_template(t: Template) -> None:
    """Register tiles, computed in larger tiles of the output; the reduction unrolled, the panel of B packed or not."""
    width, height = t.knob("prod/width", [8, 16, 32]), t.knob("prod/height", [1, 2, 4, 8])
    t.require(width * height <= 128, "more accumulators than registers")
    columns = t.knob("out/columns", [32, 64, 128])
    rows = t.knob("out/rows", [8, 16, 32])
    out = t["out"].split("x", "x", "xi", columns).split("y", "y", "yi", rows)
    out.reorder("xi", "yi", "x", "y").vectorize("xi", 8)
    tasks = t.knob("out/tasks", ["rows", "columns"])
    if tasks == "columns":
        out.reorder("xi", "yi", "y", "x").parallel("x")
    else:
        out.parallel("y")
    inmost = "y" if tasks == "columns" else "x"
    t["prod"].compute_at("out", inmost).vectorize("x", 8)
    update = t["prod"].update()
    update.split("x", "x", "xi", width).split("y", "y", "yi", height)
    update.split("k", "ko", "ki", t.knob("prod/depth", [1, 2, 4]))
    update.reorder("xi", "yi", "ki", "ko", "x", "y").vectorize("xi", 8).unroll("xi").unroll("yi").unroll("ki")
    if t.knob("b/pack", ["no", "yes"]) == "yes":
        t["b_im"].compute_at("out", "x" if tasks == "columns" else "y").vectorize("_0", 8)
    t.alone()


def convolution() -> hl.Func:
    """A 3x3 convolution layer with bias and ReLU, float32, channels innermost: 32 to 32 channels, 32x32 pixels."""
    image, weights = hl.ImageParam(hl.Float(32), 3, "image"), hl.ImageParam(hl.Float(32), 4, "weights")
    bias = hl.ImageParam(hl.Float(32), 1, "bias")
    c, x, y = hl.Var("c"), hl.Var("x"), hl.Var("y")
    r = hl.RDom([(0, 32), (0, 3), (0, 3)], "r")
    conv, relu = hl.Func("conv"), hl.Func("relu")
    conv[c, x, y] = bias[c]
    conv[c, x, y] += weights[c, r.y, r.z, r.x] * image[r.x, x + r.y, y + r.z]
    relu[c, x, y] = hl.max(conv[c, x, y], hl.f32(0))
    relu.set_estimates([(0, 32), (0, 32), (0, 32)])
    return relu


def convolution_template(t: Template) -> None:
    """Register tiles of channels by pixels; which loop of the reduction is inmost, how far it is unrolled; the weights."""
    channels, pixels = t.knob("relu/channels", [8, 16, 32]), t.knob("relu/pixels", [1, 2, 4, 8])
    t.require(channels * pixels <= 128, "more accumulators than registers")
    out = t["relu"].split("c", "co", "ci", channels).split("x", "xo", "xi", pixels)
    order = t.knob("relu/order", ["channels outmost", "channels inmost"])
    out.reorder("ci", "xi", *(["xo", "y", "co"] if order == "channels outmost" else ["co", "xo", "y"]))
    out.vectorize("ci", 8).unroll("ci").unroll("xi")
    rows = t.knob("relu/task", [0, 1, 4])
    if rows:
        out.parallel("y", rows)
    t["conv"].compute_at("relu", "xo" if order == "channels outmost" else "co")
    t["conv"].vectorize("c", 8).unroll("c").unroll("x")
    update = t["conv"].update()
    inmost = t.knob("conv/inmost", ["input channels", "window"])
    step = t.knob("conv/unroll", [1, 2, 4])
    update.split("rx", "rx", "ri", step)
    loops = ["rx", "ry", "rz"] if inmost == "input channels" else ["ry", "rz", "rx"]
    update.reorder("c", "x", "ri", *loops, "y").vectorize("c", 8).unroll("c").unroll("x").unroll("ri")
    pack = t.knob("weights/pack", ["no", "as they are", "as they are read"])
    if pack != "no":
        packed = t["weights_im"].compute_root()
        if pack == "as they are read":
            packed.reorder_storage("_0", "_3", "_1", "_2")
        packed.vectorize("_0", 8)
    t.alone()


TEMPLATE_SPACES: dict[str, TemplateSpace] = {
    "blur": TemplateSpace(blur, blur_template),
    "product": TemplateSpace(product, product_template),
    "convolution": TemplateSpace(convolution, convolution_template),
}
"""By name."""
