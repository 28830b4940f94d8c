#include "error.h"
#include "nn/architectures.h"
#include "nn/residual_network.h"

namespace selfgrad {

std::shared_ptr<Network> make_preact_resnet(const NetworkOptions& options) {
  if (options.depths.empty() || options.depths.size() > 6)
    throw Error("ERR_OPTION", "Expected 1 to 6 stages for model.depths of preact-resnet but received " +
                                  std::to_string(options.depths.size()) + ".");
  std::vector<int64_t> widths;
  for (size_t s = 0; s < options.depths.size(); ++s)
    widths.push_back(options.width << s);
  const ResidualNames names{"layer", "", "shortcut.0", "bn", "linear"};
  return std::make_shared<ResidualNetwork>(options, options.width, widths, names);
}

}  // namespace selfgrad
