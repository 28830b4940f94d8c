#include "error.h"
#include "nn/architectures.h"
#include "nn/residual_network.h"

namespace selfgrad {

std::shared_ptr<Network> make_wide_resnet(const NetworkOptions& options) {
  if (options.depths.size() != 3)
    throw Error("ERR_OPTION", "Expected 3 stages for model.depths of wide-resnet but received " +
                                  std::to_string(options.depths.size()) + ".");
  const std::vector<int64_t> widths{16 * options.width, 32 * options.width, 64 * options.width};
  const ResidualNames names{"block", "layer", "bn1", "fc", {.projection = "convShortcut"}};
  return std::make_shared<ResidualNetwork>(options, 16, widths, names);
}

}  // namespace selfgrad
