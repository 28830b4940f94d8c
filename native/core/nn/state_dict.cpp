#include "nn/state_dict.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "error.h"
#include "nn/parameter_budget.h"

namespace selfgrad {
namespace {

using StateDict = std::map<std::string, at::Tensor>;

/// Wrappers of PyTorch put these before every name.
std::string without_prefixes(std::string name) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string prefix : {"module.", "model."}) {
      if (!name.starts_with(prefix)) continue;
      name = name.substr(prefix.size());
      found = true;
    }
  }
  return name;
}

StateDict state_dict_of(const TensorFile& file) {
  StateDict tensors;
  for (const auto& [name, tensor] : file.tensors) {
    const std::string own = without_prefixes(name);
    if (!own.starts_with("sub_block1.")) tensors[own] = tensor;
  }
  return tensors;
}

std::vector<double> values_of(const at::Tensor& tensor) {
  std::vector<double> values;
  const at::Tensor flat = tensor.to(at::kDouble).flatten();
  for (int64_t i = 0; i < flat.size(0); ++i)
    values.push_back(flat[i].item<double>());
  return values;
}

/// Moves the file's normalisation out of `tensors` into `options`.
void take_normalisation(StateDict& tensors, NetworkOptions& options, const std::string& path) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"mu", "sigma"}, {"mean", "std"}, {"normalize.mean", "normalize.std"}};
  for (const auto& [mean, std] : kNames) {
    if (!tensors.contains(mean) || !tensors.contains(std)) continue;
    if (!options.mean.empty())
      throw Error("ERR_CHECKPOINT", "Expected no mean and std beside those of " + path + " (" + mean + ", " +
                                        std + ") but received some. Leave them out: the file's are used.");
    for (const char* name : {mean, std})
      if (tensors.at(name).numel() != options.shape.channels)
        throw Error("ERR_CHECKPOINT", "Expected " + std::to_string(options.shape.channels) +
                                          " values, one a channel, for " + name + " of " + path +
                                          " but received " + std::to_string(tensors.at(name).numel()) + ".");
    options.mean = values_of(tensors.at(mean));
    options.std = values_of(tensors.at(std));
    tensors.erase(mean);
    tensors.erase(std);
    return;
  }
  if (options.mean.empty()) {
    options.mean.assign(options.shape.channels, 0.0);
    options.std.assign(options.shape.channels, 1.0);
  }
}

/// Length of a dimension of the first tensor of these names that has it; `otherwise` when none has.
int64_t length_of(const StateDict& tensors, std::initializer_list<const char*> names, int64_t dimension,
                  int64_t otherwise) {
  for (const char* name : names) {
    const auto found = tensors.find(name);
    if (found != tensors.end() && found->second.dim() > dimension) return found->second.size(dimension);
  }
  return otherwise;
}

/// An empty tensor may claim any extent, so the sizes taken from tensors are bounded before they are used.
void check_extents(const NetworkOptions& options, const std::string& path) {
  constexpr int64_t kMostChannels = 4096, kMostClasses = 1 << 20;
  if (options.shape.channels < 1 || options.shape.channels > kMostChannels || options.classes < 2 ||
      options.classes > kMostClasses)
    throw Error("ERR_CHECKPOINT", "Expected 1 to 4096 channels and 2 to 1048576 classes in " + path +
                                      " but received " + std::to_string(options.shape.channels) + " and " +
                                      std::to_string(options.classes) +
                                      ". Name the architecture that the file was made for.");
}

/// A name of an nn.Sequential: what that is called in its model, the module's place, and the rest.
struct SequentialName {
  std::string before, rest;
  int64_t place = 0;
};

std::optional<SequentialName> sequential_name(const std::string& name) {
  constexpr size_t kMostDigits = 9;
  for (size_t begin = 0; begin < name.size();) {
    const size_t dot = std::min(name.find('.', begin), name.size());
    const std::string piece = name.substr(begin, dot - begin);
    const bool number = !piece.empty() && piece.size() <= kMostDigits &&
                        piece.find_first_not_of("0123456789") == std::string::npos;
    if (number && dot < name.size())
      return SequentialName{name.substr(0, begin), name.substr(dot), std::stoll(piece)};
    begin = dot + 1;
  }
  return std::nullopt;
}

/// Tensors of an nn.Sequential under the names that the list gives them; others keep theirs. Takes the
/// classes.
StateDict by_entries(const StateDict& tensors, NetworkOptions& options) {
  std::map<int64_t, StateDict> modules;  // by their place, what each has by the rest of its name
  StateDict named;
  std::optional<std::string> sequential;
  for (const auto& [name, tensor] : tensors) {
    const auto parts = sequential_name(name);
    if (parts && !sequential) sequential = parts->before;
    if (parts && parts->before == sequential) {
      modules[parts->place][parts->rest] = tensor;
    } else {
      named[name] = tensor;
    }
  }
  const std::vector<size_t> entries = entries_with_tensors(options.layers);
  size_t next = 0;
  for (const auto& [place, own] : modules) {
    for (const auto& [rest, tensor] : own) {
      const std::string name = next < entries.size()
                                   ? "layers." + std::to_string(entries[next]) + rest
                                   : *sequential + std::to_string(place) + rest + " of the file";
      named[name] = tensor;
    }
    ++next;
  }
  if (!modules.empty()) options.classes = length_of(modules.rbegin()->second, {".bias"}, 0, options.classes);
  return named;
}

/// What does not fit, as a sentence of its own: ` Missing (3): a, b, c.`
void describe_misfits(std::ostringstream& text, const char* what, const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  if (names.empty()) return;
  text << " " << what << " (" << names.size() << "): ";
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text << (i > 0 ? ", " : "") << names[i];
  text << (names.size() > kShown ? " …" : ".");
}

std::string misfits(const StateDict& tensors, const NamedTensors& wanted) {
  std::vector<std::string> missing, unknown, reshaped;
  StateDict left = tensors;
  for (const auto& [name, target] : wanted) {
    const auto found = left.find(name);
    if (found == left.end()) {
      if (!name.ends_with("num_batches_tracked")) missing.push_back(name);
      continue;
    }
    if (found->second.sizes() != target.sizes()) {
      std::ostringstream shapes;
      shapes << name << " " << found->second.sizes() << " instead of " << target.sizes();
      reshaped.push_back(shapes.str());
    }
    left.erase(found);
  }
  for (const auto& [name, tensor] : left)
    unknown.push_back(name);
  std::ostringstream text;
  describe_misfits(text, "Missing", missing);
  describe_misfits(text, "Unknown", unknown);
  describe_misfits(text, "Of another shape", reshaped);
  return text.str();
}

}  // namespace

std::shared_ptr<Network> load_state_dict(const TensorFile& file, NetworkOptions options,
                                         const std::string& path) {
  StateDict tensors = state_dict_of(file);
  if (options.architecture == "preact-resnet" && !tensors.contains("bn.weight"))
    options.architecture = "preact-resnet-plain";
  options.classes = 10;
  const bool listed = options.architecture == "layers";
  if (listed) {
    tensors = by_entries(tensors, options);
  } else {
    options.shape.channels = length_of(tensors, {"conv1.weight"}, 1, options.shape.channels);
    options.classes = length_of(tensors, {"linear.weight", "fc.weight", "fc2.weight"}, 0, options.classes);
  }
  check_extents(options, path);
  take_normalisation(tensors, options, path);
  // The architecture is the caller's word, so even the largest may be built to name what the file lacks: 1
  // GB.
  constexpr int64_t kSpare = 1 << 28;
  const ParameterBudget budget(file, kSpare);
  auto network = make_network(options);
  NamedTensors wanted = network->state();
  std::erase_if(wanted, [](const auto& item) { return item.first.starts_with("normalize."); });
  if (const std::string text = misfits(tensors, wanted); !text.empty())
    throw Error("ERR_CHECKPOINT", "Expected the tensors of " + options.architecture +
                                      (listed ? "" : " with width " + std::to_string(options.width)) +
                                      " in " + path + " but received others." + text +
                                      (listed ? " List the layers that the file was made for."
                                              : " Name the architecture that the file was made for."));
  const at::NoGradGuard no_grad;
  for (auto& [name, target] : wanted)
    if (const auto found = tensors.find(name); found != tensors.end()) target.copy_(found->second);
  network->eval();
  return network;
}

}  // namespace selfgrad
