// The few pieces of JSON that a safetensors header is made of, read from untrusted bytes without recursion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace selfgrad {

/// A cursor over JSON text. Every reader skips leading white space and throws Error("ERR_CHECKPOINT") with
/// the file's path and the byte where the text is not what it must be.
class HeaderJson {
 public:
  HeaderJson(std::string_view text, std::string_view path) : text_(text), path_(path) {}

  /// Takes `symbol` or throws.
  void expect(char symbol);
  /// Takes `symbol` when it comes next.
  bool accept(char symbol);
  /// A string with its escapes resolved, valid UTF-8.
  std::string string();
  /// A whole number in 0 … 2^63 - 1.
  int64_t integer();
  /// Only white space may remain.
  void end();
  /// @throws Error("ERR_CHECKPOINT") "Expected a safetensors file … but received `received` at byte …".
  [[noreturn]] void refuse(std::string_view received) const;

 private:
  void skip_space();
  uint32_t hex4();
  void escape(std::string& out);

  std::string_view text_, path_;
  size_t at_ = 0;
};

/// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);

/// A JSON string literal, quotes included; control characters become escapes.
std::string json_string(std::string_view text);

}  // namespace selfgrad
