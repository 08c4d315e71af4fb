// on_cpu JOBS RESULTS: the shader text as C++. GLM gives it GLSL's names; `program.inc` is the text and the calls.
#include "jobs.hpp"

#include <glm/glm.hpp>
#include <glm/gtc/type_ptr.hpp>

using namespace glm;

static Words job, given, found, planes;

#include "program.inc"

int main(int count, char **arguments) {
    if (count != 3) {
        end("on_cpu JOBS RESULTS");
    }
    const Jobs jobs = jobs_of(arguments[1]);
    planes = jobs.planes;
    Words all;
    for (const Job &each : jobs.all) {
        job = each.head;
        given = each.given;
        found.assign(static_cast<size_t>(job[1]) * job[3], 0);
        for (uint32_t row = 0; row < job[1]; row++) {
            call(job[0], row);
        }
        all.insert(all.end(), found.begin(), found.end());
    }
    write_words(arguments[2], all);
    std::puts("C++");
    return 0;
}
