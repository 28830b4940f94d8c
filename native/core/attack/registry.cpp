// From an attack's name to the attack.
#include "attack/apgd.h"
#include "attack/cw_l2.h"
#include "attack/cw_linf.h"
#include "attack/deepfool.h"
#include "attack/fab.h"
#include "attack/fgsm.h"
#include "attack/mi_fgsm.h"
#include "attack/pgd.h"
#include "attack/random.h"
#include "attack/square.h"
#include "error.h"

namespace selfgrad {

std::unique_ptr<Attack> make_attack(const AttackOptions& options) {
  if (options.name == "random") return make_random(options);
  if (options.name == "fgsm") return std::make_unique<Fgsm>(options);
  if (options.name == "pgd") return std::make_unique<Pgd>(options);
  if (options.name == "mi-fgsm") return make_mi_fgsm(options);
  if (options.name == "cw-linf") return make_cw_linf(options);
  if (options.name == "apgd-ce") return std::make_unique<Apgd>(options, ApgdLoss::kCrossEntropy);
  if (options.name == "apgd-dlr") return std::make_unique<Apgd>(options, ApgdLoss::kDlr);
  if (options.name == "apgd-t") return std::make_unique<Apgd>(options, ApgdLoss::kTargetedDlr);
  if (options.name == "fab") return std::make_unique<Fab>(options, FabAim::kNearest);
  if (options.name == "fab-t") return std::make_unique<Fab>(options, FabAim::kEachInTurn);
  if (options.name == "deepfool") return std::make_unique<DeepFool>(options);
  if (options.name == "cw-l2") return std::make_unique<CwL2>(options);
  if (options.name == "square") return std::make_unique<Square>(options);
  if (options.name == "transfer") {
    AttackOptions inner = options;
    inner.name = options.inner;
    return make_attack(inner);
  }
  throw Error(
      "ERR_OPTION",
      "Expected one of random, fgsm, pgd, mi-fgsm, cw-linf, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, deepfool, "
      "cw-l2, square, transfer for attack.name but received " +
          options.name + " (string).");
}

}  // namespace selfgrad
