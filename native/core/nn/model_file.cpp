#include "nn/model_file.h"

#include <ATen/core/grad_mode.h>

#include <charconv>
#include <sstream>
#include <type_traits>
#include <utility>

#include "error.h"
#include "nn/parameter_budget.h"

namespace selfgrad {
namespace {

constexpr const char* kFormatKey = "selfgrad.format";
constexpr const char* kFormat = "1";

std::string to_text(const std::string& word) {
  return word;
}
// Shortest text that reads back as the same number.
template <typename Number>
requires std::is_arithmetic_v<Number> std::string to_text(Number number) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return {buffer, end};
}
template <typename Item>
std::string to_text(const std::vector<Item>& items) {
  std::string text;
  for (const auto& item : items)
    text += (text.empty() ? "" : ",") + to_text(item);
  return text;
}

// What a message repeats of a file: enough to recognise it, whatever the file holds.
std::string excerpt(const std::string& text) {
  constexpr size_t kMost = 64;
  return text.size() <= kMost ? text
                              : text.substr(0, kMost) + "... (" + std::to_string(text.size()) + " bytes)";
}

// Reads `model.*` entries of one file and names the file in every complaint.
class MetadataReader {
 public:
  MetadataReader(const Metadata& metadata, const std::string& path) : metadata_(metadata), path_(path) {}

  const std::string& word(const std::string& key) const {
    const auto entry = metadata_.find(key);
    if (entry == metadata_.end()) throw malformed(key, "nothing");
    // More than any network's options need: a long list costs many times its bytes once it is split.
    constexpr size_t kLongest = 1 << 17;
    if (entry->second.size() > kLongest)
      throw malformed(key, std::to_string(entry->second.size()) + " characters");
    return entry->second;
  }
  template <typename Number>
  Number number(const std::string& key) const {
    return parse<Number>(key, word(key));
  }
  template <typename Number>
  std::vector<Number> numbers(const std::string& key) const {
    std::vector<Number> items;
    for (const auto& item : words(key))
      items.push_back(parse<Number>(key, item));
    return items;
  }
  std::vector<std::string> words(const std::string& key) const {
    std::vector<std::string> items;
    std::istringstream stream(word(key));
    for (std::string item; std::getline(stream, item, ',');)
      items.push_back(item);
    return items;
  }
  std::vector<LayerSpec> layers(const std::string& key) const {
    try {
      return parse_layers(word(key));
    } catch (const Error& error) {
      if (error.code() != "ERR_OPTION") throw;
      throw malformed(key, std::string("one that cannot be read (") + error.what() + ")");
    }
  }

 private:
  template <typename Number>
  Number parse(const std::string& key, const std::string& text) const {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) throw malformed(key, excerpt(text));
    return value;
  }
  Error malformed(const std::string& key, const std::string& found) const {
    return Error("ERR_CHECKPOINT", "Expected " + key + " in the metadata of " + path_ + " but found " +
                                       found + ". Use a model or checkpoint file that selfgrad wrote.");
  }

  const Metadata& metadata_;
  const std::string& path_;
};

// A file may claim any size: what a network of these options would need is bounded before it is built.
void check_bounds(const NetworkOptions& options, const std::string& path) {
  constexpr int64_t kLargest = 1 << 16;
  int64_t blocks = 0;
  bool sane = options.shape.channels > 0 && options.shape.channels <= 4096 && options.shape.height > 0 &&
              options.shape.height <= kLargest && options.shape.width > 0 &&
              options.shape.width <= kLargest && options.classes > 1 && options.classes <= 1 << 20 &&
              (options.width > 0 || !options.layers.empty()) && options.width <= 4096 &&
              options.depths.size() <= 8;
  for (const int64_t depth : options.depths) {
    sane = sane && depth > 0 && depth <= 4096;
    blocks += sane ? depth : 0;
  }
  if (!sane || blocks > 4096)
    throw Error("ERR_CHECKPOINT", "Expected a network of plausible size in the metadata of " + path +
                                      ". Use a model or checkpoint file that selfgrad wrote.");
}

}  // namespace

Metadata describe(const NetworkOptions& options) {
  Metadata metadata{{kFormatKey, kFormat},
                    {kChecksumKey, ""},
                    {"model.architecture", options.architecture},
                    {"model.channels", to_text(options.shape.channels)},
                    {"model.height", to_text(options.shape.height)},
                    {"model.width_pixels", to_text(options.shape.width)},
                    {"model.classes", to_text(options.classes)},
                    {"model.depths", to_text(options.depths)},
                    {"model.width", to_text(options.width)},
                    {"model.activation", options.activation},
                    {"model.taps", to_text(options.taps)},
                    {"model.mean", to_text(options.mean)},
                    {"model.std", to_text(options.std)},
                    {"model.seed", to_text(options.seed)}};
  if (!options.layers.empty()) metadata["model.layers"] = layers_text(options.layers);
  return metadata;
}

NetworkOptions network_options(const Metadata& metadata, const std::string& path) {
  const auto format = metadata.find(kFormatKey);
  if (format == metadata.end() || format->second != kFormat)
    throw Error("ERR_CHECKPOINT",
                "Expected a file that selfgrad wrote (format " + std::string(kFormat) + ") for " + path +
                    " but its metadata has " +
                    (format == metadata.end() ? "no format" : "format " + excerpt(format->second)) +
                    ". Use model.safetensors or checkpoint.safetensors of a run directory.");
  const MetadataReader read(metadata, path);
  NetworkOptions options;
  options.architecture = read.word("model.architecture");
  options.shape = {read.number<int64_t>("model.channels"), read.number<int64_t>("model.height"),
                   read.number<int64_t>("model.width_pixels")};
  options.classes = read.number<int64_t>("model.classes");
  options.depths = read.numbers<int64_t>("model.depths");
  options.width = read.number<int64_t>("model.width");
  options.activation = read.word("model.activation");
  options.taps = read.words("model.taps");
  options.mean = read.numbers<double>("model.mean");
  options.std = read.numbers<double>("model.std");
  options.seed = read.number<uint64_t>("model.seed");
  if (options.architecture == "layers") options.layers = read.layers("model.layers");
  check_bounds(options, path);
  return options;
}

void save_network(const std::string& path, const Network& network, const Metadata& extra) {
  Metadata metadata = describe(network.options());
  metadata.insert(extra.begin(), extra.end());
  write_safetensors(path, metadata, network.state());
}

std::vector<LayerCost> described_costs(const TensorFileHeader& header, const std::string& path) {
  const NetworkOptions options = network_options(header.metadata, path);
  int64_t elements = 0;
  for (const TensorInfo& tensor : header.tensors)
    elements += static_cast<int64_t>(tensor.end - tensor.begin);  // a byte or more each
  const ParameterBudget budget(elements);
  return network_costs(options);
}

std::shared_ptr<Network> load_network(const TensorFile& file, const std::string& path) {
  const NetworkOptions options = network_options(file.metadata, path);
  try {
    constexpr int64_t kSpare = 1 << 24;  // 64 MB
    const ParameterBudget budget(file, kSpare);
    auto network = make_network(options);
    NamedTensors targets = network->state();
    for (auto& [name, tensor] : targets)
      if (std::string averaged = "average." + name; file.has(averaged)) name = std::move(averaged);
    load_tensors(file, targets);
    network->eval();
    return network;
  } catch (const Error& error) {
    // An option that no network takes is the file's fault here, and every sentence must name the file.
    throw Error("ERR_CHECKPOINT", "Expected a network of this version of selfgrad in " + path +
                                      " but it holds another. " + error.what());
  }
}

void load_tensors(const TensorFile& file, const NamedTensors& targets) {
  const at::NoGradGuard no_grad;
  for (auto [name, target] : targets) {
    const at::Tensor& source = file.at(name);
    if (source.sizes() != target.sizes() || source.scalar_type() != target.scalar_type()) {
      std::ostringstream sentence;
      sentence << "Expected " << target.scalar_type() << " " << target.sizes() << " for tensor " << name
               << " but the file holds " << source.scalar_type() << " " << source.sizes() << ".";
      throw Error("ERR_CHECKPOINT", sentence.str());
    }
    target.copy_(source);
  }
}

}  // namespace selfgrad
