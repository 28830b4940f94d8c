#include "attack_list.h"

#include "values.h"

namespace selfgrad::addon {

AttackList AttackList::from(const Napi::Object& given, const char* key) {
  const auto items = given.Get(key).As<Napi::Array>();
  AttackList list;
  for (uint32_t i = 0; i < items.Length(); ++i) {
    const auto item = Napi::Value(items[i]).As<Napi::Object>();
    list.attacks.push_back(attack_options(item));
    list.sources.push_back(item.Get("source").IsNull() ? nullptr : ModelObject::get(item, "source"));
  }
  return list;
}

ReadLocks AttackList::open(const std::shared_ptr<SharedModel>& attacked, const std::atomic<bool>& stop) {
  std::vector<std::shared_ptr<SharedModel>> models{attacked};
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!sources[i]) continue;
    models.push_back(sources[i]);
    attacks[i].source = [source = sources[i], &stop](const at::Tensor& x) {
      return source->classifier->logits(x, stop);
    };
  }
  return lock_for_reading(models);
}

}  // namespace selfgrad::addon
