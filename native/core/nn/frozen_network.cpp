#include "nn/frozen_network.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/cpu/table.h"

namespace selfgrad {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const kernels::ImageKernels& image_kernels() {
  static const kernels::ImageKernels& kernels = kernels::cpu_kernels().image;
  return kernels;
}

/// A layer's value by LibTorch's operations, which have gradients of any order.
at::Tensor differentiable(const FrozenLayer& layer, const at::Tensor& x) {
  at::Tensor y = x;
  if (layer.kind == FrozenLayer::Kind::kConv) {
    y = at::conv2d(x, layer.weight, layer.bias, {layer.stride, layer.stride}, {layer.padding, layer.padding},
                   {1, 1}, layer.groups);
  } else if (layer.kind == FrozenLayer::Kind::kLinear) {
    y = at::linear(x.contiguous().flatten(1), layer.weight, layer.bias);
  } else if (layer.kind == FrozenLayer::Kind::kPointwise) {
    if (layer.weight.defined()) y = x * layer.weight.view({-1, 1, 1}) + layer.bias.view({-1, 1, 1});
  } else {
    return apply(layer, x, layer.padding);
  }
  return layer.activation ? activate(*layer.activation, y) : y;
}

/// The values of the layers from `begin` to `end`, the first of which read `x`, the value of the layer
/// before.
at::Tensor differentiable_range(const std::vector<FrozenLayer>& layers, size_t begin, size_t end,
                                const at::Tensor& x) {
  std::vector<at::Tensor> values(end);
  values[begin - 1] = x;
  for (size_t i = begin; i < end; ++i) {
    const FrozenLayer& layer = layers[i];
    values[i] = layer.kind == FrozenLayer::Kind::kAdd ? values[layer.input] + values[layer.other]
                                                      : differentiable(layer, values[layer.input]);
  }
  return values[end - 1];
}

/// The pixels of a map inside its border.
struct MapPixels {
  float* first;
  int64_t line;
};

MapPixels inside(std::vector<float>& memory, const MapShape& shape) {
  return {memory.data() + shape.origin(), shape.line()};
}

/// Numbers of a line, without its border.
int64_t line_count(const MapShape& shape) {
  return shape.width * shape.channels;
}

/// One image on its way through the layers and back.
template <class T>
class Journey {
 public:
  Journey(const std::vector<FrozenLayer>& layers, const MapPlan& plan, MapWorkspace& workspace)
      : layers_(layers), plan_(plan), workspace_(workspace) {}

  /// image (H, W, C), maps (H', W', C') without borders; `slopes` may be null.
  void forward(const float* image, float* maps, float* slopes) {
    maps_ = maps;
    take_image(image);
    for (size_t i = 1; i < plan_.layers.size(); ++i) {
      const FrozenLayer& layer = layers_[i];
      const MapLayer& map = plan_.layers[i];
      const MapPixels to = value(i);
      float* const slope = slopes == nullptr || map.slopes < 0 ? nullptr : slopes + map.slopes;
      if (layer.kind == FrozenLayer::Kind::kConv) {
        convolve(layer, map, to);
        if (layer.activation) activate(layer, map, to, to, slope);
      } else if (layer.kind == FrozenLayer::Kind::kAdd) {
        const MapPixels a = value(layer.input), b = value(layer.other);
        for_lines(map, [&](int64_t y) {
          kernels_.sum(to.first + y * to.line, a.first + y * a.line, b.first + y * b.line,
                       line_count(map.value));
        });
      } else {
        activate(layer, map, value(layer.input), to, slope);
      }
      narrow(map.read_by_convolution, map.value, workspace_.values, workspace_.narrow_values, map.value_slot);
    }
  }

  /// The gradient (H, W, C) at the image from the one (H', W', C') at the maps.
  void backward(const float* maps, float* image, const float* slopes) {
    image_ = image;
    known_.assign(plan_.layers.size(), false);
    const size_t last = plan_.layers.size() - 1;
    const MapShape& shape = plan_.layers[last].gradient;
    const MapPixels to = gradient(last);
    for_lines(plan_.layers[last], [&](int64_t y) {
      std::copy_n(maps + y * line_count(shape), line_count(shape), to.first + y * to.line);
    });
    for (size_t i = last; i > 0; --i) {
      const FrozenLayer& layer = layers_[i];
      const MapLayer& map = plan_.layers[i];
      if (layer.kind == FrozenLayer::Kind::kConv) {
        if (layer.activation) descend(map, gradient(i), gradient(i), slopes + map.slopes, false);
        narrow(true, map.gradient, workspace_.gradients, workspace_.narrow_gradients, map.gradient_slot);
        convolve_back(layer, map);
      } else if (layer.kind == FrozenLayer::Kind::kAdd) {
        pass_on(map, i, layer.input);
        pass_on(map, i, layer.other);
      } else if (layer.activation) {
        descend(map, gradient(i), gradient(layer.input), slopes + map.slopes, meets(layer.input));
      } else {
        scale_back(map, gradient(i), gradient(layer.input), meets(layer.input));
      }
    }
  }

 private:
  template <class Work>
  static void for_lines(const MapLayer& map, const Work& work) {
    for (int64_t y = 0; y < map.value.height; ++y)
      work(y);
  }

  MapPixels value(size_t place) {
    const MapLayer& map = plan_.layers[place];
    if (place + 1 == plan_.layers.size()) return {maps_, line_count(map.value)};
    if (place == 0 && image_value_ != nullptr)
      return {const_cast<float*>(image_value_), line_count(map.value)};
    return inside(workspace_.values[map.value_slot], map.value);
  }

  MapPixels gradient(size_t place) {
    const MapLayer& map = plan_.layers[place];
    if (place == 0) return {image_, line_count(map.gradient)};
    return inside(workspace_.gradients[map.gradient_slot], map.gradient);
  }

  /// Whether the gradient at the layer has a part already; from now on it has.
  bool meets(size_t place) {
    const bool met = known_[place];
    known_[place] = true;
    return met;
  }

  void take_image(const float* image) {
    const MapLayer& map = plan_.layers[0];
    image_value_ = map.read_by_convolution ? nullptr : image;
    if (!map.read_by_convolution) return;
    const MapPixels to = value(0);
    for_lines(map, [&](int64_t y) {
      std::copy_n(image + y * line_count(map.value), line_count(map.value), to.first + y * to.line);
    });
    narrow(true, map.value, workspace_.values, workspace_.narrow_values, map.value_slot);
  }

  void narrow(bool wanted, const MapShape& shape, std::vector<std::vector<float>>& wide,
              std::vector<std::vector<c10::BFloat16>>& halves, int64_t slot) {
    if constexpr (sizeof(T) < sizeof(float)) {
      if (!wanted) return;
      for (int64_t y = 0; y < shape.height; ++y) {
        const int64_t at = shape.origin() + y * shape.line();
        kernels_.narrow(halves[slot].data() + at, wide[slot].data() + at, line_count(shape));
      }
    }
  }

  static const T* packed(const std::vector<std::vector<float>>& wide,
                         const std::vector<std::vector<c10::BFloat16>>& halves, int64_t slot) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return wide[slot].data();
    } else {
      return halves[slot].data();
    }
  }

  void convolve(const FrozenLayer& layer, const MapLayer& map, const MapPixels& to) {
    const MapLayer& read = plan_.layers[layer.input];
    const MapShape& shape = read.value;
    const T* first = packed(workspace_.values, workspace_.narrow_values, read.value_slot) + shape.origin() -
                     layer.padding * (shape.line() + shape.channels);
    taps_.clear();
    for (int64_t t = 0; t < layer.kernel; ++t)
      taps_.push_back(first + t * shape.line());
    kernels_.convolution<T>()({.out = to.first,
                               .out_line = to.line,
                               .out_pixel = map.value.channels,
                               .in = taps_.data(),
                               .taps = layer.kernel,
                               .run = run_of(layer.kernel * shape.channels),
                               .columns = layer.kernel,
                               .in_line = layer.stride * shape.line(),
                               .in_pixel = layer.stride * shape.channels,
                               .lines = map.value.height,
                               .pixels = map.value.width,
                               .channels = map.value.channels,
                               .weight = map.convolution.weights.data<T>(),
                               .bias = map.convolution.bias.data(),
                               .add = false});
  }

  void convolve_back(const FrozenLayer& layer, const MapLayer& map) {
    const MapShape& shape = map.gradient;
    const MapShape& target = plan_.layers[layer.input].gradient;
    const MapPixels to = gradient(layer.input);
    const bool complete = static_cast<int64_t>(map.phases.size()) == layer.stride * layer.stride;
    bool add = meets(layer.input);
    if (!add && !complete) {
      // MapPixels that no weight reads.
      for (int64_t y = 0; y < target.height; ++y)
        std::fill_n(to.first + y * to.line, line_count(target), 0.0F);
      add = true;
    }
    const T* origin =
        packed(workspace_.gradients, workspace_.narrow_gradients, map.gradient_slot) + shape.origin();
    for (const Phase& phase : map.phases) {
      const T* first = origin + phase.first_row * shape.line() + phase.first_column * shape.channels;
      taps_.clear();
      for (int64_t t = 0; t < phase.taps; ++t)
        taps_.push_back(first - t * shape.line());
      kernels_.convolution<T>()({.out = to.first + phase.row * to.line + phase.column * target.channels,
                                 .out_line = layer.stride * to.line,
                                 .out_pixel = layer.stride * phase.group * target.channels,
                                 .in = taps_.data(),
                                 .taps = phase.taps,
                                 .run = run_of(phase.columns * shape.channels),
                                 .columns = phase.columns,
                                 .in_line = shape.line(),
                                 .in_pixel = phase.group * shape.channels,
                                 .lines = phase.lines,
                                 .pixels = phase.pixels / phase.group,
                                 .channels = phase.group * target.channels,
                                 .weight = phase.weights.template data<T>(),
                                 .bias = nullptr,
                                 .add = add});
    }
  }

  static int64_t run_of(int64_t numbers) {
    return sizeof(T) == sizeof(float) ? numbers : (numbers + 1) / 2 * 2;
  }

  /// act(scale x + shift), or without an activation scale x + shift.
  void activate(const FrozenLayer& layer, const MapLayer& map, const MapPixels& from, const MapPixels& to,
                float* slope) {
    const int64_t channels = map.value.channels;
    for_lines(map, [&](int64_t y) {
      const float* x = from.first + y * from.line;
      float* out = to.first + y * to.line;
      if (layer.activation) {
        kernels_.activate(act_of(*layer.activation), out,
                          slope == nullptr ? nullptr : slope + y * line_count(map.value), x, map.scale.data(),
                          map.shift.data(), map.value.width, channels);
        return;
      }
      for (int64_t p = 0; p < map.value.width; ++p)
        for (int64_t c = 0; c < channels; ++c)
          out[p * channels + c] = map.scale[c] * x[p * channels + c] + map.shift[c];
    });
  }

  void descend(const MapLayer& map, const MapPixels& from, const MapPixels& to, const float* slopes,
               bool add) {
    for_lines(map, [&](int64_t y) {
      kernels_.product(to.first + y * to.line, from.first + y * from.line, slopes + y * line_count(map.value),
                       line_count(map.value), add);
    });
  }

  void scale_back(const MapLayer& map, const MapPixels& from, const MapPixels& to, bool add) {
    const int64_t channels = map.value.channels;
    for_lines(map, [&](int64_t y) {
      const float* g = from.first + y * from.line;
      float* out = to.first + y * to.line;
      for (int64_t p = 0; p < map.value.width; ++p) {
        for (int64_t c = 0; c < channels; ++c) {
          const float part = map.scale[c] * g[p * channels + c];
          out[p * channels + c] = add ? out[p * channels + c] + part : part;
        }
      }
    });
  }

  void pass_on(const MapLayer& map, size_t from_place, size_t to_place) {
    const MapPixels from = gradient(from_place), to = gradient(to_place);
    const bool add = meets(to_place);
    const int64_t count = line_count(map.value);
    for_lines(map, [&](int64_t y) {
      const float* g = from.first + y * from.line;
      float* out = to.first + y * to.line;
      if (add) {
        kernels_.sum(out, out, g, count);
      } else {
        std::copy_n(g, count, out);
      }
    });
  }

  const std::vector<FrozenLayer>& layers_;
  const MapPlan& plan_;
  MapWorkspace& workspace_;
  const kernels::ImageKernels& kernels_ = image_kernels();
  std::vector<const T*> taps_;
  std::vector<bool> known_;
  const float* image_value_ = nullptr;
  float* maps_ = nullptr;
  float* image_ = nullptr;
};

/// `work` with a journey in the precision's storage type.
template <class Work>
void journey(Precision precision, const std::vector<FrozenLayer>& layers, const MapPlan& plan,
             MapWorkspace& workspace, const Work& work) {
  if (precision == Precision::kFloat32) {
    Journey<float> images(layers, plan, workspace);
    work(images);
  } else {
    Journey<c10::BFloat16> images(layers, plan, workspace);
    work(images);
  }
}

/// What the graph holds on to.
struct Held : torch::CustomClassHolder {
  std::shared_ptr<const FrozenNetwork> network;
  explicit Held(std::shared_ptr<const FrozenNetwork> held) : network(std::move(held)) {}
};

class Maps : public torch::autograd::Function<Maps> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& images,
                            const std::shared_ptr<const FrozenNetwork>& network, Precision precision) {
    const at::Tensor x = images.contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor slopes = at::empty({x.size(0), network->slope_count()}, x.options());
    context->save_for_backward({images, slopes});
    context->saved_data["network"] = c10::IValue::make_capsule(c10::make_intrusive<Held>(network));
    context->saved_data["precision"] = static_cast<int64_t>(precision);
    return network->forward(x, precision, slopes);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto held = context->saved_data["network"].toCapsule();
    const FrozenNetwork& network = *static_cast<const Held*>(held.get())->network;
    const variable_list saved = context->get_saved_variables();
    if (at::GradMode::is_enabled()) {
      const at::Tensor maps = network.differentiable_maps(saved[0]);
      return {torch::autograd::grad({maps}, {saved[0]}, {gradients[0]}, /*retain_graph=*/true,
                                    /*create_graph=*/true)[0],
              {},
              {}};
    }
    const auto precision = static_cast<Precision>(context->saved_data["precision"].toInt());
    return {network.backward(gradients[0].contiguous(at::MemoryFormat::ChannelsLast), precision, saved[1]),
            {},
            {}};
  }
};

at::Tensor empty_maps(int64_t count, const MapShape& shape, const at::TensorOptions& options) {
  return at::empty({count, shape.channels, shape.height, shape.width},
                   options.memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace

std::shared_ptr<const FrozenNetwork> FrozenNetwork::make(const LayerGraph& graph, const ImageShape& shape) {
  std::vector<FrozenLayer> layers = freeze(graph);
  MapPlan plan = plan_maps(layers, shape);
  if (plan.layers.empty()) return nullptr;
  return std::shared_ptr<const FrozenNetwork>(new FrozenNetwork(std::move(layers), std::move(plan)));
}

FrozenNetwork::FrozenNetwork(std::vector<FrozenLayer> layers, MapPlan plan)
    : layers_(std::move(layers)), plan_(std::move(plan)) {}

bool FrozenNetwork::computes(Precision precision) {
  return precision == Precision::kFloat32 || image_kernels().convolution_bfloat16 != nullptr;
}

template <class Work>
void FrozenNetwork::for_each_image(int64_t count, const Work& work) const {
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    std::unique_ptr<MapWorkspace> workspace;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        workspace = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!workspace) workspace = std::make_unique<MapWorkspace>(plan_);
    work(*workspace, begin, end);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(workspace));
  });
}

at::Tensor FrozenNetwork::forward(const at::Tensor& images, Precision precision,
                                  const at::Tensor& slopes) const {
  const MapShape& made = plan_.layers.back().value;
  at::Tensor maps = empty_maps(images.size(0), made, images.options());
  const auto* x = images.const_data_ptr<float>();
  auto* y = maps.mutable_data_ptr<float>();
  auto* slope = slopes.defined() ? slopes.mutable_data_ptr<float>() : nullptr;
  const int64_t from = images.numel() / std::max<int64_t>(1, images.size(0));
  const int64_t to = made.height * line_count(made);
  for_each_image(images.size(0), [&](MapWorkspace& workspace, int64_t begin, int64_t end) {
    journey(precision, layers_, plan_, workspace, [&](auto& images_of) {
      for (int64_t i = begin; i < end; ++i)
        images_of.forward(x + i * from, y + i * to, slope == nullptr ? nullptr : slope + i * slope_count());
    });
  });
  return maps;
}

at::Tensor FrozenNetwork::backward(const at::Tensor& gradient, Precision precision,
                                   const at::Tensor& slopes) const {
  const MapShape& image = plan_.layers.front().gradient;
  at::Tensor found = empty_maps(gradient.size(0), image, gradient.options());
  const auto* g = gradient.const_data_ptr<float>();
  const auto* slope = slopes.const_data_ptr<float>();
  auto* out = found.mutable_data_ptr<float>();
  const int64_t from = gradient.numel() / std::max<int64_t>(1, gradient.size(0));
  const int64_t to = image.height * line_count(image);
  for_each_image(gradient.size(0), [&](MapWorkspace& workspace, int64_t begin, int64_t end) {
    journey(precision, layers_, plan_, workspace, [&](auto& images_of) {
      for (int64_t i = begin; i < end; ++i)
        images_of.backward(g + i * from, out + i * to, slope + i * slope_count());
    });
  });
  return found;
}

at::Tensor FrozenNetwork::differentiable_maps(const at::Tensor& images) const {
  return differentiable_range(layers_, 1, plan_.layers.size(), images);
}

at::Tensor FrozenNetwork::logits(const at::Tensor& images, Precision precision) const {
  const bool graph = at::GradMode::is_enabled() && images.requires_grad();
  const at::Tensor maps = graph ? Maps::apply(images, shared_from_this(), precision)
                                : forward(images.contiguous(at::MemoryFormat::ChannelsLast), precision, {});
  return differentiable_range(layers_, plan_.layers.size(), layers_.size(), maps).to(at::kFloat);
}

}  // namespace selfgrad
