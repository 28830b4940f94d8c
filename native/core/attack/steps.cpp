#include "attack/steps.h"

namespace selfgrad {

void Steps::take(int64_t count, const std::function<void()>& step) {
  const auto* cuda = kernels::cuda_kernels_of(device_);
  if (cuda == nullptr || !target_.repeats()) {
    for (; count > 0; --count)
      step();
    return;
  }
  if (graph_ == nullptr) graph_ = cuda->make_graph(device_);
  // What the host counts, it counts when it takes part in a step.
  int64_t counted = 0;
  graph_->run(count, [&] {
    const Passes before = target_.passes();
    step();
    ++counted;
    of_step_ = {target_.passes().forward - before.forward, target_.passes().backward - before.backward};
  });
  target_.count_repeated(count - counted, of_step_);
}

}  // namespace selfgrad
