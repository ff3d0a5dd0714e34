"""Tune a 3x3 box blur from Python, put the schedule on a pipeline of your own, and run it: `python examples/blur.py`."""

import halide as hl
import numpy as np

import autosearch


def blur() -> hl.Func:
    """The mean of 3x3 neighbours, as two passes of three."""
    image = hl.ImageParam(hl.UInt(16), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    blur_x, blur_y = hl.Func("blur_x"), hl.Func("blur_y")
    blur_x[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 3
    blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3
    return blur_y


def main() -> None:
    """Tune on an example image, which says the sizes too; then use what was found."""
    photo = np.random.default_rng(0).integers(0, 4096, (2048, 3072), dtype=np.uint16)
    result = autosearch.tune(blur, trials=60, inputs={"image": photo}, log="blur.jsonl")
    print(result.summary())
    result.export("blur.schedule.h")

    mine = blur()
    result.apply(mine)
    mine.compile_jit()

    kernel = result.compile()
    out = np.zeros((2046, 3070), dtype=np.uint16)
    kernel(photo, out)
    print("mean brightness", out.mean())


if __name__ == "__main__":
    main()
