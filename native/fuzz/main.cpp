// The entry that libFuzzer calls, compiled once for each target with its name as SELFGRAD_FUZZ_TARGET.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  selfgrad::fuzz::SELFGRAD_FUZZ_TARGET(bytes, size);
  return 0;
}
