// Errors that the core raises on purpose: a stable code of src/errors.ts and a sentence for the user.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace selfgrad {

/// An expected failure; `code` is one of the codes of src/errors.ts, e.g. "ERR_CHECKPOINT".
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& sentence)
      : std::runtime_error(sentence), code_(std::move(code)) {}
  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

/// Thrown between two attack steps when the caller's stop flag is set.
class Cancelled : public std::exception {
 public:
  const char* what() const noexcept override { return "cancelled"; }
};

}  // namespace selfgrad
