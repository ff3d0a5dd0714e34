"""A generator that comes with a schedule by hand: it is timed as the baseline "given", and seeds the search.

autosearch tune examples/scheduled.py:Sobel --trials 40
"""

import halide as hl


@hl.generator(name="sobel")
class Sobel:
    """Magnitude of the gradient of a grey image."""

    image = hl.InputBuffer(hl.UInt(8), 2)
    magnitude = hl.OutputBuffer(hl.UInt(8), 2)

    def generate(self):
        """Two 3x3 stencils and their sum of absolute values."""
        g = self
        x, y, yi = hl.Var("x"), hl.Var("y"), hl.Var("yi")
        padded = hl.BoundaryConditions.repeat_edge(g.image)
        wide, across, down = hl.Func("wide"), hl.Func("across"), hl.Func("down")
        wide[x, y] = hl.i16(padded[x, y])
        across[x, y] = sum(w * (wide[x + 1, y + d] - wide[x - 1, y + d]) for d, w in ((-1, 1), (0, 2), (1, 1)))
        down[x, y] = sum(w * (wide[x + d, y + 1] - wide[x + d, y - 1]) for d, w in ((-1, 1), (0, 2), (1, 1)))
        g.magnitude[x, y] = hl.u8(hl.clamp(hl.abs(across[x, y]) + hl.abs(down[x, y]), 0, 255))

        g.image.set_estimates([(0, 3840), (0, 2160)])
        g.magnitude.set_estimates([(0, 3840), (0, 2160)])
        g.magnitude.split(y, y, yi, 32).parallel(y).vectorize(x, 16)
