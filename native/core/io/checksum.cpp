#include "io/checksum.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace selfgrad {

void Checksum::add(const void* bytes, size_t count) {
  constexpr uint64_t kPrime = 0x100000001b3;
  const auto* next = static_cast<const unsigned char*>(bytes);
  while (count > 0) {
    const size_t width = std::min(count, sizeof(uint64_t));
    uint64_t word = 0;
    std::memcpy(&word, next, width);
    state_ = (state_ ^ word) * kPrime;
    next += width;
    count -= width;
  }
}

std::string Checksum::text() const {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(state_));
  return digits;
}

}  // namespace selfgrad
