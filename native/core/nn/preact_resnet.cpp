#include "error.h"
#include "nn/architectures.h"
#include "nn/residual_network.h"

namespace selfgrad {
namespace {

std::shared_ptr<Network> preact_resnet(const NetworkOptions& options, const ResidualNames& names) {
  if (options.depths.empty() || options.depths.size() > 6)
    throw Error("ERR_OPTION", "Expected 1 to 6 stages for model.depths of " + options.architecture +
                                  " but received " + std::to_string(options.depths.size()) + ".");
  std::vector<int64_t> widths;
  for (size_t s = 0; s < options.depths.size(); ++s)
    widths.push_back(options.width << s);
  return std::make_shared<ResidualNetwork>(options, options.width, widths, names);
}

}  // namespace

std::shared_ptr<Network> make_preact_resnet(const NetworkOptions& options) {
  return preact_resnet(options, {"layer", "", "bn", "linear"});
}

std::shared_ptr<Network> make_preact_resnet_plain(const NetworkOptions& options) {
  return preact_resnet(options, {"layer", "", "", "linear", {.projects_input = true}});
}

}  // namespace selfgrad
