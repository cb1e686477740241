// Every kernel that the sources hold for any architecture, built here or not, so that a listing can tell what is
// missing from this build.
#pragma once

#include <utility>
#include <vector>

#include "kernels/isa.h"

namespace mobilekernels::python_face {

std::vector<std::pair<const char*, Isa>> planned_kernels();

}  // namespace mobilekernels::python_face
