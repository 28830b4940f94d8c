// Each reader moves forward or throws, so a hostile header costs at most one look at each of its bytes.
#include "io/header_json.h"

#include <array>
#include <limits>

#include "error.h"

namespace selfgrad {
namespace {

void append_utf8(std::string& out, uint32_t point) {
  const auto byte = [&out](uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
  }
  byte(0x80 | (point & 0x3F));
}

/// Bytes of the sequence that `lead` opens, and the least code point that may need so many; 0: not a lead
/// byte.
std::pair<size_t, uint32_t> utf8_sequence(uint8_t lead) {
  if (lead < 0x80) return {1, 0};
  if (lead >= 0xC2 && lead < 0xE0) return {2, 0x80};
  if (lead >= 0xE0 && lead < 0xF0) return {3, 0x800};
  if (lead >= 0xF0 && lead < 0xF5) return {4, 0x10000};
  return {0, 0};
}

bool is_surrogate(uint32_t point) {
  return point >= 0xD800 && point < 0xE000;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    const auto [length, least] = utf8_sequence(lead);
    if (length == 0 || length > bytes.size() - i) return false;
    uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<uint8_t>(bytes[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3F);
    }
    if (point < least || point > 0x10FFFF || is_surrogate(point)) return false;
    i += length;
  }
  return true;
}

std::string json_string(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

void HeaderJson::refuse(std::string_view received) const {
  throw Error("ERR_CHECKPOINT", "Expected a safetensors file at " + std::string(path_) + " but received " +
                                    std::string(received) + " at byte " + std::to_string(at_) +
                                    " of its header. The file is damaged or of another format.");
}

void HeaderJson::skip_space() {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
    ++at_;
}

bool HeaderJson::accept(char symbol) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != symbol) return false;
  ++at_;
  return true;
}

void HeaderJson::expect(char symbol) {
  if (!accept(symbol)) refuse(std::string("no '") + symbol + "'");
}

void HeaderJson::end() {
  skip_space();
  if (at_ != text_.size()) refuse("more text than one object");
}

int64_t HeaderJson::integer() {
  skip_space();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const size_t start = at_;
  int64_t value = 0;
  for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
    const int64_t digit = text_[at_] - '0';
    if (value > (kMax - digit) / 10) refuse("a number above 2^63 - 1");
    value = value * 10 + digit;
  }
  if (at_ == start) refuse("no whole number");
  if (text_[start] == '0' && at_ - start > 1) refuse("a number with a leading zero");
  return value;
}

uint32_t HeaderJson::hex4() {
  if (text_.size() - at_ < 4) refuse("a cut escape");
  uint32_t value = 0;
  for (const size_t stop = at_ + 4; at_ < stop; ++at_) {
    const char c = text_[at_];
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit && !letter) refuse("a bad escape");
    value = value << 4 | static_cast<uint32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

void HeaderJson::escape(std::string& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  if (at_ >= text_.size()) refuse("a cut escape");
  const char kind = text_[at_++];
  if (const size_t place = kNames.find(kind); place != std::string_view::npos) {
    out += kValues[place];
    return;
  }
  if (kind != 'u') refuse("a bad escape");
  uint32_t point = hex4();
  if (is_surrogate(point)) {
    if (point >= 0xDC00 || text_.substr(at_, 2) != "\\u") refuse("half of a surrogate pair");
    at_ += 2;
    const uint32_t low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) refuse("half of a surrogate pair");
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(out, point);
}

std::string HeaderJson::string() {
  expect('"');
  std::string out;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"') {
      if (!is_utf8(out)) refuse("text that is not UTF-8");
      return out;
    }
    if (static_cast<uint8_t>(c) < 0x20) refuse("a control character");
    if (c == '\\') {
      escape(out);
    } else {
      out += c;
    }
  }
  refuse("a string without its end");
}

}  // namespace selfgrad
