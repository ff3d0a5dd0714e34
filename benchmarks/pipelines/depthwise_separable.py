"""A depthwise 3x3 convolution, a pointwise one, bias and ReLU: one layer of a MobileNet.

A. G. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017.
float32, channels innermost (d, x, y, b): 4 images of 112x112, 32 channels in, 64 out, zeros around the images. The
sizes and strides are fixed, as in a network compiled ahead of time.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

BATCH, CHANNELS_IN, CHANNELS_OUT, WIDTH, HEIGHT = 4, 32, 64, 112, 112
TILE_VECS, TILE_PIXELS, STRIP = 2, 4, 28


class _Algorithm(NamedTuple):
    d: hl.Var
    x: hl.Var
    y: hl.Var
    b: hl.Var
    window: hl.RDom
    channel: hl.RDom
    padded: hl.Func
    depthwise: hl.Func
    pointwise: hl.Func
    activated: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 4, "image")
    depthwise_filter = hl.ImageParam(hl.Float(32), 3, "depthwise_filter")
    pointwise_filter = hl.ImageParam(hl.Float(32), 2, "pointwise_filter")
    bias = hl.ImageParam(hl.Float(32), 1, "bias")
    d, x, y, b = hl.vars("d x y b")

    padded = hl.BoundaryConditions.constant_exterior(
        image, 0.0, [(hl.Expr(), hl.Expr()), (0, WIDTH), (0, HEIGHT), (hl.Expr(), hl.Expr())]
    )
    window = hl.RDom([(0, 3), (0, 3)], "window")
    depthwise = hl.Func("depthwise")
    depthwise[d, x, y, b] = 0.0
    depthwise[d, x, y, b] += depthwise_filter[d, window.x, window.y] * padded[d, x + window.x - 1, y + window.y - 1, b]

    channel = hl.RDom([(0, CHANNELS_IN)], "channel")
    pointwise, activated = hl.Func("pointwise"), hl.Func("activated")
    pointwise[d, x, y, b] = bias[d]
    pointwise[d, x, y, b] += pointwise_filter[d, channel.x] * depthwise[channel.x, x, y, b]
    activated[d, x, y, b] = hl.max(pointwise[d, x, y, b], 0.0)

    sizes = (
        (image, image, [CHANNELS_IN, WIDTH, HEIGHT, BATCH]),
        (depthwise_filter, depthwise_filter, [CHANNELS_IN, 3, 3]),
        (pointwise_filter, pointwise_filter, [CHANNELS_OUT, CHANNELS_IN]),
        (bias, bias, [CHANNELS_OUT]),
        (activated, activated.output_buffer(), [CHANNELS_OUT, WIDTH, HEIGHT, BATCH]),
    )
    for owner, buffer, extents in sizes:
        stride = 1
        for i, extent in enumerate(extents):
            buffer.dim(i).set_bounds(0, extent).set_stride(stride)
            stride *= extent
        owner.set_estimates([(0, extent) for extent in extents])
    return _Algorithm(d, x, y, b, window, channel, padded, depthwise, pointwise, activated)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().activated


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    d, x, y, b = a.d, a.x, a.y, a.b
    do, di, xo, xi, yo, yi, t = hl.vars("do di xo xi yo yi t")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    out = a.activated
    # Strips of rows are the tasks: the padded rows slide down them.
    out.split(d, do, di, vec * TILE_VECS).split(x, xo, xi, TILE_PIXELS).split(y, yo, yi, STRIP)
    out.reorder(di, xi, do, xo, yi, yo, b).vectorize(di, vec).unroll(di).unroll(xi).fuse(yo, b, t).parallel(t)
    a.padded.store_at(out, t).compute_at(out, yi).vectorize(a.padded.args()[0], vec)
    # A few pixels of the depthwise result at a time feed the pointwise product, which works on a register tile.
    a.depthwise.compute_at(out, xo).vectorize(d, vec).unroll(d).unroll(x)
    a.depthwise.update().reorder(a.window.x, a.window.y, x, d, y, b).vectorize(d, vec)
    a.depthwise.update().unroll(a.window.x).unroll(a.window.y).unroll(d)
    a.pointwise.compute_at(out, do).vectorize(d, vec).unroll(d).unroll(x)
    a.pointwise.update().reorder(d, x, a.channel.x, y, b).vectorize(d, vec).unroll(d).unroll(x)
    return out
