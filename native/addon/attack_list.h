// A list of attacks from JavaScript, some of which take their gradients from a model of their own.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <vector>

#include "attack/attack.h"
#include "model.h"

namespace selfgrad::addon {

struct AttackList {
  std::vector<AttackOptions> attacks;
  std::vector<std::shared_ptr<SharedModel>> sources;  ///< one an attack; null for one without

  /// From NativeAttackOptions[], on the JavaScript thread.
  static AttackList from(const Napi::Object& given, const char* key);

  /// On the thread of a run: lets the attacks ask their sources until `stop` is set. Attacked model and
  /// sources are free to be read while the locks live. @throws as `lock_for_reading`
  ReadLocks open(const std::shared_ptr<SharedModel>& attacked, const std::atomic<bool>& stop);
};

}  // namespace selfgrad::addon
