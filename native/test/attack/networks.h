// Networks small enough to know the answer: a linear model, whose smallest perturbation has a closed form,
// and a fixed convolutional net with smooth activations.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "attack/attack.h"
#include "io/safetensors.h"
#include "tensor/philox.h"

namespace selfgrad::testing {

/// Uniform numbers from a stream of their own, (shape).
inline at::Tensor random_tensor(uint64_t seed, std::vector<int64_t> shape, double low, double high) {
  const int64_t count = shape.front();
  shape.erase(shape.begin());
  return uniform({seed, Purpose::kInit, 0}, at::arange(count, at::kLong), shape, low, high);
}

/// (N, 2, 4, 4) images away from the edges of the box, so that the closed forms below hold.
inline at::Tensor grey_images(int64_t count, uint64_t seed = 1) {
  return random_tensor(seed, {count, 2, 4, 4}, 0.4, 0.6).contiguous(at::MemoryFormat::ChannelsLast);
}

/// z = W x + b over flattened images of 32 pixels.
struct LinearModel {
  explicit LinearModel(int64_t classes, uint64_t seed = 2)
      : weight(random_tensor(seed, {classes, 32}, -1, 1)),
        bias(random_tensor(seed + 1, {classes}, -0.1, 0.1)) {}

  at::Tensor operator()(const at::Tensor& x) const {
    return at::linear(x.contiguous().flatten(1), weight, bias);
  }
  /// The smallest perturbation that reaches the decision boundary, (N): the margin over the dual norm.
  at::Tensor optimum(Norm norm, const at::Tensor& x, const at::Tensor& labels) const {
    const at::Tensor z = (*this)(x);
    std::vector<double> smallest;
    for (int64_t n = 0; n < x.size(0); ++n) {
      const auto y = labels[n].item<int64_t>();
      double best = 1e9;
      for (int64_t i = 0; i < weight.size(0); ++i) {
        if (i == y) continue;
        const at::Tensor dual = at::linalg_vector_norm(weight[y] - weight[i], norm == Norm::kLinf ? 1 : 2);
        best = std::min(best, (z[n][y] - z[n][i]).item<double>() / dual.item<double>());
      }
      smallest.push_back(best);
    }
    return at::tensor(smallest);
  }

  at::Tensor weight, bias;
};

/// An eps in the widest gap of the middle half of these optima (N): neither rounding nor the last 1e-4 of
/// convergence decides who is broken.
inline double eps_between(const at::Tensor& optimum) {
  const int64_t n = optimum.size(0);
  const at::Tensor sorted = std::get<0>(optimum.sort()).narrow(0, n / 4, n / 2);
  const auto gap = sorted.diff().argmax().item<int64_t>();
  return (sorted[gap] + sorted[gap + 1]).item<double>() / 2;
}

/// conv 2->4, silu, conv 4->8 stride 2, silu, linear to 5 classes.
struct SmallNet {
  SmallNet()
      : conv1(random_tensor(11, {4, 2, 3, 3}, -0.5, 0.5)),
        conv2(random_tensor(12, {8, 4, 3, 3}, -0.5, 0.5)),
        head(random_tensor(13, {5, 32}, -1, 1)) {}

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor a = at::silu(at::conv2d(x, conv1, {}, 1, 1));
    const at::Tensor b = at::silu(at::conv2d(a, conv2, {}, 2, 1));
    return at::linear(b.contiguous().flatten(1), head);
  }

  at::Tensor conv1, conv2, head;
};

/// The network of reference/make_pgd_reference.py, with the weights and all else of one of its files.
struct ReferenceNet {
  explicit ReferenceNet(const std::string& name)
      : file(
            read_safetensors((std::filesystem::path(__FILE__).parent_path() / "reference" / name).string())) {
  }

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor a = at::silu(at::conv2d(x, file.at("conv1"), file.at("bias1"), 1, 1));
    const at::Tensor b = at::silu(at::conv2d(a, file.at("conv2"), file.at("bias2"), 2, 1));
    return at::linear(b.contiguous().flatten(1), file.at("head"));
  }

  TensorFile file;
};

/// Runs one attack on a batch with indices 0 … N-1 and labels as the network sees the clean images.
struct Attacked {
  AttackResult result;
  Passes passes;
  at::Tensor labels;
};

inline Attacked attack_batch_of(const Logits& network, const AttackOptions& options, const at::Tensor& images,
                                uint64_t seed = 0) {
  std::atomic<bool> stop{false};
  Target target(network, seed, stop);
  const at::Tensor labels = network(images).argmax(1);
  const at::Tensor indices = at::arange(images.size(0), at::kLong);
  Attacked attacked{make_attack(options)->run(target, images, labels, indices, 0), {}, labels};
  attacked.passes = target.passes();
  return attacked;
}

/// A batch cut in pieces: rows in order or backwards.
struct Cut {
  int64_t batch;
  bool backwards = false;
};

/// Runs an attack on `count` images at once and in the pieces of each cut, and expects the same verdicts and
/// `same(part, whole)` for each piece, the whole's rows of it; returns the whole. The network computes in
/// float64, so that one whose rounding depends on the batch does not decide on signs near zero or between
/// equals.
template <class Same>
AttackResult expect_independent_of_batches(const AttackOptions& options, int64_t count,
                                           const std::vector<Cut>& cuts, const Same& same) {
  SmallNet net;
  for (at::Tensor* weight : {&net.conv1, &net.conv2, &net.head})
    *weight = weight->to(at::kDouble);
  const auto network = [&](const at::Tensor& x) { return net(x.to(at::kDouble)); };
  const at::Tensor images =
      random_tensor(8, {count, 2, 4, 4}, 0, 1).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor labels = network(images).argmax(1);
  const auto attack = make_attack(options);
  const std::atomic<bool> stop{false};
  const auto run = [&](const at::Tensor& rows) {
    Target target(network, 3, stop);
    return attack->run(target, images.index_select(0, rows), labels.index_select(0, rows), rows, 1);
  };
  const at::Tensor all = at::arange(count, at::kLong);
  AttackResult whole = run(all);
  for (const Cut& cut : cuts)
    for (const at::Tensor& rows : (cut.backwards ? all.flip(0) : all).split(cut.batch)) {
      const auto of_whole = [&](const at::Tensor& x) { return x.defined() ? x.index_select(0, rows) : x; };
      const AttackResult part = run(rows);
      EXPECT_TRUE(part.success.equal(of_whole(whole.success)));
      EXPECT_TRUE(part.step.equal(of_whole(whole.step)));
      same(part, AttackResult{of_whole(whole.adversarial), of_whole(whole.success), of_whole(whole.distance),
                              of_whole(whole.step)});
    }
  return whole;
}

/// Rounds draw anew, and the same again: `options` let the attack do no more than start.
inline void expect_own_start_in_each_round(const AttackOptions& options) {
  const auto start = [&](uint32_t round) {
    const std::atomic<bool> stop{false};
    Target target(SmallNet(), 0, stop);
    const at::Tensor images = grey_images(2);
    return make_attack(options)
        ->run(target, images, SmallNet()(images).argmax(1), at::arange(2, at::kLong), round)
        .adversarial;
  };
  EXPECT_TRUE(start(1).equal(start(1)));
  EXPECT_FALSE(start(0).equal(start(1)));
}

/// The same images, to rounding.
inline void same_images(const AttackResult& part, const AttackResult& whole) {
  EXPECT_TRUE(at::allclose(part.adversarial, whole.adversarial, 0, 1e-5));
}

}  // namespace selfgrad::testing
