// Sharpens an 8-bit image by what a separable blur takes away. One output, pure definitions only.
#include "Halide.h"

#ifdef TUNED
#include "sharpen.schedule.h"
#endif

namespace {

using namespace Halide;

class Sharpen : public Generator<Sharpen> {
public:
    GeneratorParam<int> strength{"strength", 2, 1, 8};

    Input<Buffer<uint8_t, 2>> image{"image"};
    Output<Buffer<uint8_t, 2>> sharp{"sharp"};

    void generate() {
        clamped = BoundaryConditions::repeat_edge(image);
        wide(x, y) = cast<int16_t>(clamped(x, y));
        rows(x, y) = wide(x - 1, y) + 2 * wide(x, y) + wide(x + 1, y);
        blurred(x, y) = (rows(x, y - 1) + 2 * rows(x, y) + rows(x, y + 1)) / 16;
        sharp(x, y) = cast<uint8_t>(clamp(wide(x, y) + cast<int16_t>(strength) * (wide(x, y) - blurred(x, y)), 0, 255));

        image.set_estimates({{0, 1536}, {0, 1024}});
        sharp.set_estimates({{0, 1536}, {0, 1024}});
    }

    void schedule() {
        if (using_autoscheduler()) {
            return;
        }
#ifdef TUNED
        apply_schedule_sharpen(get_pipeline(), get_target());
#else
        sharp.split(y, y, yi, 32).parallel(y).vectorize(x, 16);
        rows.store_at(sharp, y).compute_at(sharp, yi).vectorize(x, 16);
#endif
    }

private:
    Var x{"x"}, y{"y"}, yi{"yi"};
    Func clamped{"clamped"}, wide{"wide"}, rows{"rows"}, blurred{"blurred"};
};

}  // namespace

HALIDE_REGISTER_GENERATOR(Sharpen, sharpen)
