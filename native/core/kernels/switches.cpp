#include "kernels/switches.h"

#include <cstdlib>
#include <string>

namespace selfgrad::kernels {

bool enabled(std::string_view kernel) {
  const char* value = std::getenv("SELFGRAD_PLAIN");
  if (value == nullptr) return true;
  const std::string plain = "," + std::string(value) + ",";
  return plain.find(",all,") == std::string::npos &&
         plain.find("," + std::string(kernel) + ",") == std::string::npos;
}

}  // namespace selfgrad::kernels
