"""A 3x3 convolution layer with bias and ReLU, as in convolutional networks.

K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015, has layers of
this kind. float32, channels innermost (c, x, y, n): 4 images of 100x80 with 64 channels in and 64 out. The sizes and
strides are fixed, as in a network compiled ahead of time; the input already carries its margin of one pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

BATCH, CHANNELS_IN, CHANNELS_OUT, WIDTH, HEIGHT = 4, 64, 64, 100, 80
TILE_VECS, TILE_PIXELS = 2, 5


class _Algorithm(NamedTuple):
    c: hl.Var
    x: hl.Var
    y: hl.Var
    n: hl.Var
    r: hl.RDom
    weights: hl.ImageParam
    conv: hl.Func
    relu: hl.Func


def _fix(buffer, extents: list[int]) -> None:
    """Dense storage of exactly this size, starting at 0."""
    stride = 1
    for i, extent in enumerate(extents):
        buffer.dim(i).set_bounds(0, extent).set_stride(stride)
        stride *= extent


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 4, "image")
    weights = hl.ImageParam(hl.Float(32), 4, "weights")
    bias = hl.ImageParam(hl.Float(32), 1, "bias")
    c, x, y, n = hl.Var("c"), hl.Var("x"), hl.Var("y"), hl.Var("n")

    # The reduction runs over input channel, column and row of the window; weights are (out, column, row, in).
    r = hl.RDom([(0, CHANNELS_IN), (0, 3), (0, 3)], "r")
    conv, relu = hl.Func("conv"), hl.Func("relu")
    conv[c, x, y, n] = bias[c]
    conv[c, x, y, n] += weights[c, r.y, r.z, r.x] * image[r.x, x + r.y, y + r.z, n]
    relu[c, x, y, n] = hl.max(conv[c, x, y, n], 0.0)

    sizes = (
        (image, image, [CHANNELS_IN, WIDTH + 2, HEIGHT + 2, BATCH]),
        (weights, weights, [CHANNELS_OUT, 3, 3, CHANNELS_IN]),
        (bias, bias, [CHANNELS_OUT]),
        (relu, relu.output_buffer(), [CHANNELS_OUT, WIDTH, HEIGHT, BATCH]),
    )
    for owner, buffer, extents in sizes:
        _fix(buffer, extents)
        owner.set_estimates([(0, extent) for extent in extents])
    return _Algorithm(c, x, y, n, r, weights, conv, relu)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().relu


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    c, x, y, n, r = a.c, a.x, a.y, a.n, a.r
    co, ci, xo, xi = hl.Var("co"), hl.Var("ci"), hl.Var("xo"), hl.Var("xi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # A register tile of two vectors of channels by five pixels: ten accumulators hide the latency of the FMAs.
    a.relu.split(c, co, ci, vec * TILE_VECS).split(x, xo, xi, TILE_PIXELS).reorder(ci, xi, xo, y, n, co)
    a.relu.vectorize(ci, vec).unroll(ci).unroll(xi).parallel(y).parallel(n).parallel(co)
    a.conv.compute_at(a.relu, xo).vectorize(c, vec).unroll(c).unroll(x)
    a.conv.update().reorder(c, x, r.x, r.y, r.z, y, n).vectorize(c, vec).unroll(c).unroll(x).unroll(r.x, 2)
    # The weights of one block of channels are packed in the order they are read.
    packed = a.weights.in_()
    wc, wx, wy, wi = packed.args()
    packed.compute_at(a.relu, co).reorder_storage(wc, wi, wx, wy).vectorize(wc, vec).unroll(wc)
    return a.relu
