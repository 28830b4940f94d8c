#include "nn/classifier.h"

#include "error.h"

namespace selfgrad {

void Classifier::move_to(at::Device device) {
  if (device.is_cpu()) return;
  throw Error("ERR_OPTION", "Expected device cpu for a model that is a function but received " +
                                device.str() + ". Its attacks and evaluations run on the CPU.");
}

LayerGraph Classifier::layer_graph() const {
  throw Error(
      "ERR_OPTION",
      "Expected a network of selfgrad but the layers of this model are not known: it has no certified "
      "bound and no ONNX export.");
}

}  // namespace selfgrad
