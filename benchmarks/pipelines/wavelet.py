"""A wavelet transform of four levels with the reversible 5/3 filters of JPEG 2000, in its lifting form.

D. Le Gall and A. Tabatabai, "Sub-band coding of digital images using symmetric short kernel filters and arithmetic
coding techniques", ICASSP 1988; I. Daubechies and W. Sweldens, "Factoring wavelet transforms into lifting steps", 1998.
uint8 gray image of 1536x2560, int16 coefficients. Each level is an output of four bands: low-low, which the next level
transforms, high-low, low-high and high-high.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, LEVELS = 1536, 2560, 4
STRIP = 32


class _Level(NamedTuple):
    low_x: hl.Func
    high_x: hl.Func
    bands: hl.Func


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    b: hl.Var
    levels: list[_Level]


def _predict(before, here, after) -> hl.Expr:
    """An odd sample less what its even neighbours predict."""
    return here - ((before + after) >> 1)


def _update(before, here, after) -> hl.Expr:
    """An even sample moved so that the mean of the signal is kept."""
    return here + ((before + after + 2) >> 2)


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, y, b = hl.Var("x"), hl.Var("y"), hl.Var("b")
    pixels = hl.Func("pixels")
    pixels[x, y] = hl.i16(image[x, y])

    levels = []
    source, width, height = pixels, WIDTH, HEIGHT
    for j in range(1, LEVELS + 1):
        # Mirrored at the edges, as the standard wants.
        s = hl.BoundaryConditions.mirror_interior(source, [(0, width), (0, height)])
        width, height = width // 2, height // 2
        low_x, high_x = hl.Func(f"low_x_{j}"), hl.Func(f"high_x_{j}")
        high_x[x, y] = _predict(s[2 * x, y], s[2 * x + 1, y], s[2 * x + 2, y])
        low_x[x, y] = _update(high_x[x - 1, y], s[2 * x, y], high_x[x, y])

        columns = []
        for name, half in (("low", low_x), ("high", high_x)):
            low, high = hl.Func(f"{name}_low_{j}"), hl.Func(f"{name}_high_{j}")
            high[x, y] = _predict(half[x, 2 * y], half[x, 2 * y + 1], half[x, 2 * y + 2])
            low[x, y] = _update(high[x, y - 1], half[x, 2 * y], high[x, y])
            columns += [low, high]
        low_low, low_high, high_low, high_high = (hl.Expr(f[x, y]) for f in columns)
        bands, next_source = hl.Func(f"bands_{j}"), hl.Func(f"source_{j}")
        bands[x, y, b] = hl.mux(b, [low_low, high_low, low_high, high_high])
        bands.set_estimates([(0, width), (0, height), (0, 4)])
        next_source[x, y] = bands[x, y, 0]
        source = next_source
        levels.append(_Level(low_x, high_x, bands))

    image.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, b, levels)


def pipeline() -> list[hl.Func]:
    """The algorithm alone."""
    return [level.bands for level in _algorithm().levels]


def expert() -> list[hl.Func]:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, b = a.x, a.y, a.b
    yo = hl.Var("yo")
    vec = hl.get_host_target().natural_vector_size(hl.Int(16))
    for level in a.levels:
        # The rows filtered along x slide down strips in parallel; all four bands are made from the same loads.
        level.bands.compute_root().bound(b, 0, 4).reorder(b, x, y).unroll(b).vectorize(x, vec)
        level.bands.split(y, yo, y, STRIP).parallel(yo)
        for row in (level.low_x, level.high_x):
            row.store_at(level.bands, yo).compute_at(level.bands, y).vectorize(x, vec)
    return [level.bands for level in a.levels]
