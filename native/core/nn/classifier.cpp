#include "nn/classifier.h"

#include "error.h"

namespace selfgrad {

LayerGraph Classifier::layer_graph() const {
  throw Error(
      "ERR_OPTION",
      "Expected a network of selfgrad but the layers of this model are not known: it has no certified "
      "bound and no ONNX export.");
}

}  // namespace selfgrad
