// The fuzzers' corpus, replayed: what they once found stays mended, and their entry points stay in use.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../fuzz/targets.h"
#include "error.h"

namespace selfgrad {
namespace {

std::filesystem::path corpus_folder() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "fuzz" / "corpus";
}

std::string corpus_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class FuzzCorpus : public ::testing::TestWithParam<std::string> {};

TEST_P(FuzzCorpus, EndsInAnErrorOrNothing) {
  const fuzz::Target target = fuzz::kTargets.at(GetParam());
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus_folder() / GetParam())) {
    SCOPED_TRACE(entry.path());
    const std::string bytes = corpus_bytes(entry.path());
    EXPECT_NO_THROW(target(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
    // Cut short or with a bit flipped it must do no harm either.
    for (size_t i = 0; i < bytes.size(); i += 1 + bytes.size() / 64) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 1);
      EXPECT_NO_THROW(target(reinterpret_cast<const uint8_t*>(damaged.data()), damaged.size()))
          << "byte " << i;
      EXPECT_NO_THROW(target(reinterpret_cast<const uint8_t*>(bytes.data()), i)) << "the first " << i;
    }
    ++count;
  }
  EXPECT_GE(count, 2);
}

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& [name, target] : fuzz::kTargets)
    names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, ::testing::ValuesIn(target_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace selfgrad
