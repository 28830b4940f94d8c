// A checksum that notices damage, not malice: any change within eight bytes is always seen, others but once
// in 2^64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace selfgrad {

/// FNV-1a with words of eight bytes. Each step is a bijection of the state, so one changed word never cancels
/// out.
class Checksum {
 public:
  /// Adds bytes; where they are split into calls matters, unless each call but the last has a multiple of 8.
  void add(const void* bytes, size_t count);
  /// 16 hexadecimal digits.
  std::string text() const;

 private:
  uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace selfgrad
