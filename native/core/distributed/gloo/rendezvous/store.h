// Included by LibTorch's ProcessGroupGloo.hpp; see gloo/context.h.
#pragma once
#include <gloo/context.h>
