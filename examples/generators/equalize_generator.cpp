// Spreads the grey values of an image over their whole range. A histogram and its running sum are update definitions.
#include "Halide.h"

#ifdef TUNED
#include "equalize.schedule.h"
#endif

namespace {

using namespace Halide;

class Equalize : public Generator<Equalize> {
public:
    Input<Buffer<uint8_t, 2>> image{"image"};
    Output<Buffer<uint8_t, 2>> equalized{"equalized"};

    void generate() {
        pixels = RDom(0, image.width(), 0, image.height(), "pixels");
        histogram(value) = 0;
        histogram(cast<int>(image(pixels.x, pixels.y))) += 1;
        values = RDom(1, 255, "values");
        sums(value) = histogram(value);
        sums(values) += sums(values - 1);
        equalized(x, y) = cast<uint8_t>(clamp(sums(cast<int>(image(x, y))) * 255.0f / (image.width() * image.height()), 0, 255));

        image.set_estimates({{0, 1536}, {0, 1024}});
        equalized.set_estimates({{0, 1536}, {0, 1024}});
    }

    void schedule() {
        if (using_autoscheduler()) {
            return;
        }
#ifdef TUNED
        apply_schedule_equalize(get_pipeline(), get_target());
#else
        histogram.compute_root().vectorize(value, 8);
        sums.compute_root();
        equalized.parallel(y, 32).vectorize(x, 16);
#endif
    }

private:
    Var x{"x"}, y{"y"}, value{"value"};
    RDom pixels, values;
    Func histogram{"histogram"}, sums{"sums"};
};

}  // namespace

HALIDE_REGISTER_GENERATOR(Equalize, equalize)
