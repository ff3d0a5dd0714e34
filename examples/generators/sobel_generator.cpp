// Edges by Sobel's operator: how strong they are, and which are diagonal. Two outputs.
#include "Halide.h"

#ifdef TUNED
#include "sobel.schedule.h"
#endif

namespace {

using namespace Halide;

class Sobel : public Generator<Sobel> {
public:
    Input<Buffer<float, 2>> image{"image"};
    Output<Buffer<float, 2>> magnitude{"magnitude"};
    Output<Buffer<float, 2>> diagonal{"diagonal"};

    void generate() {
        clamped = BoundaryConditions::repeat_edge(image);
        smooth_x(x, y) = clamped(x - 1, y) + 2 * clamped(x, y) + clamped(x + 1, y);
        smooth_y(x, y) = clamped(x, y - 1) + 2 * clamped(x, y) + clamped(x, y + 1);
        along_x(x, y) = smooth_y(x + 1, y) - smooth_y(x - 1, y);
        along_y(x, y) = smooth_x(x, y + 1) - smooth_x(x, y - 1);
        magnitude(x, y) = sqrt(along_x(x, y) * along_x(x, y) + along_y(x, y) * along_y(x, y));
        diagonal(x, y) = along_x(x, y) * along_y(x, y);

        image.set_estimates({{0, 1536}, {0, 1024}});
        magnitude.set_estimates({{0, 1536}, {0, 1024}});
        diagonal.set_estimates({{0, 1536}, {0, 1024}});
    }

    void schedule() {
        if (using_autoscheduler()) {
            return;
        }
#ifdef TUNED
        apply_schedule_sobel(get_pipeline(), get_target());
#else
        magnitude.parallel(y, 32).vectorize(x, 8);
        diagonal.parallel(y, 32).vectorize(x, 8);
#endif
    }

private:
    Var x{"x"}, y{"y"};
    Func clamped{"clamped"}, smooth_x{"smooth_x"}, smooth_y{"smooth_y"}, along_x{"along_x"}, along_y{"along_y"};
};

}  // namespace

HALIDE_REGISTER_GENERATOR(Sobel, sobel)
