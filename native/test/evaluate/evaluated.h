// What the tests of evaluations attack: a small set of images that a network mostly gets right.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/evaluator.h"
#include "fixtures.h"

namespace selfgrad::test {

inline constexpr int64_t kCount = 40;

/// 40 images of 2x4x4; labels are the network's own answers, except for every tenth image.
struct Evaluated {
  explicit Evaluated(Logits classifier) : network(std::move(classifier)), data(kCount, {2, 4, 4}, 5) {
    const at::Tensor pixels = (testing::random_tensor(31, {kCount, 2, 4, 4}, 0.3, 0.7) * 255).to(at::kByte);
    const at::Tensor answers = network(pixels.to(at::kFloat) / 255).argmax(1).to(at::kInt).contiguous();
    for (int64_t n = 9; n < kCount; n += 10)
      answers[n] = (answers[n].item<int64_t>() + 1) % 5;
    data.append(pixels.const_data_ptr<uint8_t>(), answers.const_data_ptr<int32_t>(), kCount);
  }

  EvaluateResult run(const EvaluateOptions& options) {
    return evaluate(network, data, options, stop,
                    [this](const EvaluateProgress& event) { events.push_back(event); });
  }

  Logits network;
  Dataset data;
  std::atomic<bool> stop{false};
  std::vector<EvaluateProgress> events;
};

inline AttackOptions attack_named(const std::string& name, double eps) {
  AttackOptions options;
  options.name = name;
  options.threat = {name == "cw-l2" ? Norm::kL2 : Norm::kLinf, eps};
  options.alpha = eps / 4;
  options.steps = name == "cw-l2" ? 50 : 10;
  return options;
}

inline EvaluateOptions evaluate_options(std::vector<AttackOptions> attacks) {
  EvaluateOptions options;
  options.count = kCount;
  options.batch_size = 16;
  options.attacks = std::move(attacks);
  return options;
}

}  // namespace selfgrad::test
