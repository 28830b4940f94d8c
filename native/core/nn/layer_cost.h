// What a layer costs: one row of `selfgrad inspect`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace selfgrad {

struct LayerCost {
  std::string name;            ///< of its module: `conv1`, `layer1.0`, `layers.3`
  std::string kind;            ///< as in model.layers: `conv`, `residual`, `linear` …
  std::vector<int64_t> shape;  ///< of its output for one image: (C, H, W) or (F)
  int64_t parameters = 0;      ///< weights and biases; statistics of BatchNorm are none
  int64_t multiply_adds = 0;   ///< of convolutions and linear layers, for one image
};

}  // namespace selfgrad
