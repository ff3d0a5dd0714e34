"""The least that can be tuned: a Func and the size to tune it for.

autosearch tune examples/contrast.py:contrast --trials 40
"""

import halide as hl

image, x, y = hl.ImageParam(hl.UInt(8), 2, "image"), hl.Var("x"), hl.Var("y")
local, contrast = hl.Func("local"), hl.Func("contrast")
local[x, y] = (hl.u16(image[x, y]) + image[x + 1, y] + image[x, y + 1] + image[x + 1, y + 1]) / 4
contrast[x, y] = hl.u8(hl.absd(hl.u16(image[x, y]), local[x, y]))
contrast.set_estimates([(0, 1920), (0, 1080)])
