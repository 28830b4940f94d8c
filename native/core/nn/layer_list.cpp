#include "nn/layer_list.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "error.h"
#include "nn/preact_bottleneck.h"

namespace selfgrad {
namespace {

using Kind = LayerSpec::Kind;

constexpr size_t kMostLayers = 256;
constexpr size_t kLongestPlace = 64;
constexpr int64_t kMostChannels = 1 << 16;
constexpr int64_t kMostFeatures = 1 << 20;
constexpr int64_t kMostWeights = int64_t{1} << 30;       // of one layer: 4 GB
constexpr int64_t kMostMultiplyAdds = int64_t{1} << 44;  // of one layer: their sum must fit an integer

struct LayerField {
  const char* name;
  int64_t LayerSpec::*member;
  int64_t least, most;
};
constexpr LayerField kChannels{"channels", &LayerSpec::channels, 1, kMostChannels};
constexpr LayerField kKernel{"kernel", &LayerSpec::kernel, 1, 64};
constexpr LayerField kStride{"stride", &LayerSpec::stride, 1, 64};
constexpr LayerField kPadding{"padding", &LayerSpec::padding, 0, 63};
constexpr LayerField kGroups{"groups", &LayerSpec::groups, 1, kMostChannels};
constexpr LayerField kBias{"bias", &LayerSpec::bias, 0, 1};
constexpr LayerField kBlocks{"blocks", &LayerSpec::blocks, 1, 64};
constexpr LayerField kFeatures{"features", &LayerSpec::features, 0, kMostFeatures};

struct LayerKind {
  Kind kind;
  const char* name;
  std::vector<LayerField> fields;
};
const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds{
      {Kind::kConv, "conv", {kChannels, kKernel, kStride, kPadding, kGroups, kBias}},
      {Kind::kNormActivation, "norm-activation", {}},
      {Kind::kActivation, "activation", {}},
      {Kind::kResidual, "residual", {kChannels, kBlocks, kStride}},
      {Kind::kBottleneck, "bottleneck", {kChannels, kBlocks, kStride}},
      {Kind::kMaxPool, "max-pool", {kKernel, kStride, kPadding}},
      {Kind::kAveragePool, "average-pool", {kKernel, kStride, kPadding}},
      {Kind::kGlobalAveragePool, "global-average-pool", {}},
      {Kind::kLinear, "linear", {kFeatures}},
      {Kind::kTap, "tap", {}},
  };
  return kinds;
}

const LayerKind& kind_of(const LayerSpec& layer) {
  return *std::find_if(layer_kinds().begin(), layer_kinds().end(),
                       [&](const LayerKind& known) { return known.kind == layer.kind; });
}

std::string place_of(size_t index) {
  return "model.layers[" + std::to_string(index) + "]";
}

std::vector<std::string> pieces_of(const std::string& text, char separator) {
  std::vector<std::string> pieces;
  std::istringstream stream(text);
  for (std::string piece; std::getline(stream, piece, separator);)
    pieces.push_back(piece);
  return pieces;
}

/// One entry of the text; `words` is not empty.
LayerSpec parse_layer(const std::vector<std::string>& words, size_t index) {
  const auto& kinds = layer_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const LayerKind& known) { return known.name == words.front(); });
  if (kind == kinds.end())
    throw Error("ERR_OPTION",
                "Expected a kind of layer for " + place_of(index) + " but received " + words.front() + ".");
  LayerSpec layer{.kind = kind->kind, .place = {}};
  for (size_t i = 1; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : words[i].substr(equals + 1);
    if (layer.kind == Kind::kTap && name == "place") {
      layer.place = value;
      continue;
    }
    const auto field = std::find_if(kind->fields.begin(), kind->fields.end(),
                                    [&](const LayerField& known) { return known.name == name; });
    if (field == kind->fields.end())
      throw Error("ERR_OPTION", "Expected an option of " + std::string(kind->name) + " for " +
                                    place_of(index) + " but received " + name + ".");
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < field->least ||
        number > field->most) {
      std::ostringstream sentence;
      sentence << "Expected an integer in [" << field->least << ", " << field->most << "] for "
               << place_of(index) << "." << name << " but received " << value << ".";
      throw Error("ERR_OPTION", sentence.str());
    }
    layer.*(field->member) = number;
  }
  return layer;
}

/// Walks over the entries with the shape that each of them gives.
class ShapeWalk {
 public:
  ShapeWalk(const ImageShape& image, int64_t classes)
      : shape_{image.channels, image.height, image.width}, classes_(classes) {}

  LayerCost step(const LayerSpec& layer, size_t index) {
    index_ = index;
    name_ = kind_of(layer).name;
    cost_ = {};
    apply(layer);
    cost_.name = "layers." + std::to_string(index);
    cost_.kind = name_;
    cost_.shape = shape_;
    return cost_;
  }

  const std::vector<int64_t>& shape() const { return shape_; }
  std::string shape_text() const {
    std::string text;
    for (const int64_t length : shape_)
      text += (text.empty() ? "" : "x") + std::to_string(length);
    return shape_.size() == 1 ? text + " features" : text;
  }

 private:
  void apply(const LayerSpec& layer) {
    switch (layer.kind) {
      case Kind::kConv:
        need_pixels();
        if (layer.padding >= layer.kernel) refuse("padding below the kernel", padding_text(layer));
        if (shape_[0] % layer.groups != 0 || layer.channels % layer.groups != 0)
          refuse("groups that divide the channels of input and output",
                 std::to_string(layer.groups) + " groups of " + std::to_string(shape_[0]) + " and " +
                     std::to_string(layer.channels) + " channels");
        convolve(layer.channels, layer.kernel, layer.stride, layer.padding, layer.groups);
        cost_.parameters += layer.bias * layer.channels;
        return;
      case Kind::kNormActivation:
        need_pixels();
        cost_.parameters = 2 * shape_[0];
        return;
      case Kind::kResidual:
        need_pixels();
        for (int64_t block = 0; block < layer.blocks; ++block)
          add_block(layer.channels, block == 0 ? layer.stride : 1);
        return;
      case Kind::kBottleneck:
        need_pixels();
        if (layer.channels % PreActBottleneck::kReduction != 0)
          refuse("channels that are a multiple of 4", std::to_string(layer.channels));
        for (int64_t block = 0; block < layer.blocks; ++block)
          add_bottleneck(layer.channels, block == 0 ? layer.stride : 1);
        return;
      case Kind::kMaxPool:
      case Kind::kAveragePool:
        need_pixels();
        if (2 * layer.padding > layer.kernel)
          refuse("padding of at most half the kernel", padding_text(layer));
        slide(layer.kernel, layer.stride, layer.padding);
        return;
      case Kind::kGlobalAveragePool:
        need_pixels();
        shape_ = {shape_[0]};
        return;
      case Kind::kLinear:
        connect(layer.features == 0 ? classes_ : layer.features);
        return;
      case Kind::kTap:
        need_pixels();
        if (layer.place == "input" || !places_.insert(layer.place).second)
          refuse("a place that is not taken", layer.place);
        return;
      case Kind::kActivation:
        return;
    }
  }

  static std::string padding_text(const LayerSpec& layer) {
    return "padding " + std::to_string(layer.padding) + " with kernel " + std::to_string(layer.kernel);
  }

  [[noreturn]] void refuse(const std::string& expected, const std::string& received,
                           const std::string& fix = "") const {
    throw Error("ERR_OPTION", "Expected " + expected + " for " + place_of(index_) + " (" + name_ +
                                  ") but received " + received + "." + fix);
  }

  void need_pixels() const {
    if (shape_.size() != 3)
      refuse("channels, height and width", shape_text(), " Put it before global-average-pool and linear.");
  }

  /// A window of side `kernel` over the pixels.
  void slide(int64_t kernel, int64_t stride, int64_t padding) {
    for (const size_t axis : {1, 2}) {
      const int64_t padded = shape_[axis] + 2 * padding;
      if (padded < kernel)
        refuse("a side of at least " + std::to_string(kernel) + " pixels with padding", shape_text(),
               " Use a smaller kernel, fewer strides before it, or larger images.");
      shape_[axis] = (padded - kernel) / stride + 1;
    }
  }

  void spend(int64_t out, int64_t in, int64_t pixels) {
    if (in > kMostWeights / out || out * in > kMostMultiplyAdds / pixels)
      refuse("at most 2^30 weights and 2^44 multiply-adds", "more", " Use fewer channels or features.");
    cost_.parameters += out * in;
    cost_.multiply_adds += out * in * pixels;
  }

  void convolve(int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t groups = 1) {
    const int64_t in = shape_[0] / groups;
    slide(kernel, stride, padding);
    shape_[0] = out;
    spend(out, in * kernel * kernel, shape_[1] * shape_[2]);
  }

  void add_block(int64_t channels, int64_t stride) {
    const std::vector<int64_t> input = shape_;
    cost_.parameters += 2 * (input[0] + channels);  // of both BatchNorms
    convolve(channels, 3, stride, 1);
    convolve(channels, 3, 1, 1);
    if (stride != 1 || input[0] != channels) spend(channels, input[0], shape_[1] * shape_[2]);
  }

  void add_bottleneck(int64_t channels, int64_t stride) {
    const std::vector<int64_t> input = shape_;
    const int64_t inner = channels / PreActBottleneck::kReduction;
    cost_.parameters += 2 * (input[0] + 2 * inner);  // of the BatchNorms
    convolve(inner, 1, 1, 0);
    convolve(inner, 3, stride, 1);
    convolve(channels, 1, 1, 0);
    if (stride != 1 || input[0] != channels) spend(channels, input[0], shape_[1] * shape_[2]);
  }

  void connect(int64_t features) {
    int64_t in = 1;
    for (const int64_t length : shape_)
      in *= length;
    spend(features, in, 1);
    cost_.parameters += features;
    shape_ = {features};
  }

  std::vector<int64_t> shape_;
  int64_t classes_;
  std::set<std::string> places_;
  size_t index_ = 0;
  std::string name_;
  LayerCost cost_;
};

}  // namespace

std::vector<LayerSpec> parse_layers(const std::string& text) {
  std::vector<LayerSpec> layers;
  for (const std::string& entry : pieces_of(text, ';')) {
    std::vector<std::string> words = pieces_of(entry, ' ');
    std::erase(words, "");
    if (words.empty())
      throw Error("ERR_OPTION",
                  "Expected a kind of layer for " + place_of(layers.size()) + " but received nothing.");
    if (layers.size() == kMostLayers)
      throw Error("ERR_OPTION", "Expected at most " + std::to_string(kMostLayers) +
                                    " layers for model.layers but received more.");
    layers.push_back(parse_layer(words, layers.size()));
    const LayerSpec& layer = layers.back();
    const bool channels_missing =
        (layer.kind == Kind::kConv || layer.kind == Kind::kResidual || layer.kind == Kind::kBottleneck) &&
        layer.channels == 0;
    // Letters and digits alone: the place becomes a part of a module's name and of a list.
    const bool place_wrong =
        layer.kind == Kind::kTap &&
        (layer.place.empty() || layer.place.size() > kLongestPlace ||
         !std::all_of(layer.place.begin(), layer.place.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         }));
    if (channels_missing || place_wrong)
      throw Error("ERR_OPTION", std::string("Expected ") +
                                    (place_wrong ? "a place of letters and digits" : "channels") + " for " +
                                    place_of(layers.size() - 1) + " but received " +
                                    (layer.place.empty() ? "none" : layer.place) + ".");
  }
  return layers;
}

std::string layers_text(const std::vector<LayerSpec>& layers) {
  std::string text;
  for (const LayerSpec& layer : layers) {
    const LayerKind& kind = kind_of(layer);
    text += (text.empty() ? "" : "; ") + std::string(kind.name);
    for (const LayerField& field : kind.fields)
      text += std::string(" ") + field.name + "=" + std::to_string(layer.*(field.member));
    if (layer.kind == Kind::kTap) text += " place=" + layer.place;
  }
  return text;
}

std::vector<size_t> entries_with_tensors(const std::vector<LayerSpec>& layers) {
  std::vector<size_t> entries;
  for (size_t i = 0; i < layers.size(); ++i) {
    switch (layers[i].kind) {
      case Kind::kConv:
      case Kind::kNormActivation:
      case Kind::kResidual:
      case Kind::kBottleneck:
      case Kind::kLinear:
        entries.push_back(i);
        break;
      default:
        break;
    }
  }
  return entries;
}

std::vector<std::string> tap_places_of(const std::vector<LayerSpec>& layers) {
  std::vector<std::string> places;
  for (const LayerSpec& layer : layers)
    if (layer.kind == Kind::kTap) places.push_back(layer.place);
  return places;
}

std::vector<LayerCost> infer_layers(const std::vector<LayerSpec>& layers, const ImageShape& shape,
                                    int64_t classes) {
  ShapeWalk walk(shape, classes);
  std::vector<LayerCost> costs;
  costs.reserve(layers.size());
  for (const LayerSpec& layer : layers)
    costs.push_back(walk.step(layer, costs.size()));
  if (walk.shape() != std::vector<int64_t>{classes})
    throw Error("ERR_OPTION",
                "Expected " + std::to_string(classes) +
                    " logits, one a class, behind the last layer of model.layers but received " +
                    walk.shape_text() + ". End it with global-average-pool and linear.");
  return costs;
}

}  // namespace selfgrad
