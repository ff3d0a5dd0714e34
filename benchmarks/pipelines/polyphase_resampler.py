"""Audio from 44.1 kHz to 48 kHz by a polyphase filter.

The rational resampler of R. E. Crochiere and L. R. Rabiner, "Multirate digital signal processing", 1983: 160 output
samples for 147 input samples, each a sum of 32 taps with the weights of its phase, here a sinc under a Hann window.
float32, 8 interleaved channels (c, t), ten seconds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import halide as hl

UP, DOWN, TAPS, CHANNELS = 160, 147, 32, 8
FRAMES_IN, FRAMES_OUT = 441000, 480000
TILE, TASK = 8, 4800


class _Algorithm(NamedTuple):
    c: hl.Var
    t: hl.Var
    tap: hl.RDom
    weights: hl.Func
    padded: hl.Func
    filtered: hl.Func
    resampled: hl.Func


def _algorithm() -> _Algorithm:
    signal = hl.ImageParam(hl.Float(32), 2, "signal")
    c, t, k, phase = hl.vars("c t k phase")
    padded = hl.BoundaryConditions.constant_exterior(signal, 0.0, [(hl.Expr(), hl.Expr()), (0, signal.dim(1).extent())])

    # How far tap k lies from an output sample of this phase, in input samples.
    distance = hl.f32(k - TAPS // 2 + 1) - hl.f32(phase) / UP
    angle = hl.f32(math.pi) * distance
    sinc = hl.select(hl.abs(distance) < hl.f32(1e-6), 1.0, hl.sin(angle) / angle)
    hann = hl.f32(0.5) + hl.f32(0.5) * hl.cos(angle / (TAPS // 2))
    weights = hl.Func("weights")
    weights[k, phase] = sinc * hann

    tap = hl.RDom([(0, TAPS)], "tap")
    filtered, resampled = hl.Func("filtered"), hl.Func("resampled")
    position = t * DOWN
    filtered[c, t] = 0.0
    filtered[c, t] += weights[tap.x, position % UP] * padded[c, position / UP + tap.x - TAPS // 2 + 1]
    resampled[c, t] = filtered[c, t]

    signal.set_estimates([(0, CHANNELS), (0, FRAMES_IN)])
    resampled.set_estimates([(0, CHANNELS), (0, FRAMES_OUT)])
    return _Algorithm(c, t, tap, weights, padded, filtered, resampled)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().resampled


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    c, t = a.c, a.t
    to, ti = hl.Var("to"), hl.Var("ti")
    natural = hl.get_host_target().natural_vector_size(hl.Float(32))
    a.weights.compute_root().vectorize(a.weights.args()[0], natural)
    vec = min(CHANNELS, natural)
    # The channels of a frame are one vector, or several. A few frames together hide the latency of the sums.
    a.resampled.bound(c, 0, CHANNELS).split(t, t, ti, TILE).split(t, to, t, TASK // TILE).parallel(to)
    a.resampled.vectorize(c, vec).unroll(ti)
    a.filtered.compute_at(a.resampled, t).vectorize(c, vec).unroll(t)
    a.filtered.update().reorder(c, t, a.tap.x).vectorize(c, vec).unroll(t)
    # The padded signal of a task is copied once, which keeps the test for its ends out of the inner loop.
    a.padded.compute_at(a.resampled, to).vectorize(a.padded.args()[0], vec)
    return a.resampled
