// What is mapped has the bytes of the file, may lose its name, and is never read past its end.
#include "io/mapped_file.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <thread>

#include "data/dataset.h"
#include "evaluate/stored_images.h"
#include "fixtures.h"
#include "io/safetensors.h"
#include "io/scratch_file.h"
#include "temporary_folder.h"

namespace selfgrad {
namespace {

using testing::TemporaryFolder;
using testing::write_bytes;

constexpr ImageShape kShape{1, 2, 2};

/// Three images of four pixels behind two bytes of something else.
std::string three_images(const TemporaryFolder& folder) {
  const std::string path = folder.file("images");
  write_bytes(path, std::string("__abcdefghijkl"));
  return path;
}

/// Maps the three images and closes the file.
Dataset mapped(const std::string& path, const MappedImages& images, const std::vector<int32_t>& labels,
               int64_t classes = 3) {
  MappedImages here = images;
  here.descriptor = ::open(path.c_str(), O_RDONLY);
  std::optional<Dataset> data;
  try {
    data.emplace(here, labels, kShape, classes);
  } catch (...) {
    ::close(here.descriptor);
    throw;
  }
  ::close(here.descriptor);
  return std::move(*data);
}

TEST(MappedDataset, EqualsTheOneInMemoryWhenTheFileHasLostItsName) {
  const TemporaryFolder folder;
  const std::string path = three_images(folder);
  Dataset held(3, kShape, 3);
  const std::vector<int32_t> labels{2, 0, 1};
  held.append(reinterpret_cast<const uint8_t*>("abcdefghijkl"), labels.data(), 3);
  const Dataset data = mapped(path, {.offset = 2, .rows = 3}, labels);
  std::filesystem::remove(path);
  const at::Tensor indices = at::arange(2, -1, -1, at::kLong);
  EXPECT_TRUE(data.images(indices).equal(held.images(indices)));
  EXPECT_TRUE(data.labels(indices).equal(held.labels(indices)));
  std::vector<double> mean[2];
  std::vector<double> std[2];
  data.statistics(mean[0], std[0]);
  held.statistics(mean[1], std[1]);
  EXPECT_EQ(mean[0], mean[1]);
  EXPECT_EQ(std[0], std[1]);
}

/// Which pages of a tensor's storage are in memory?
std::vector<bool> resident_pages(const at::Tensor& mapped) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(mapped.const_data_ptr());
  const uintptr_t first = begin / page * page;
  const uintptr_t bytes = begin - first + mapped.nbytes();
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  EXPECT_EQ(::mincore(reinterpret_cast<void*>(first), bytes, pages.data()), 0);
  std::vector<bool> resident;
  for (const unsigned char byte : pages)
    resident.push_back((byte & 1) != 0);
  return resident;
}

TEST(MappedDataset, BringsTheImagesThatItWillNeedIntoMemoryAndNoOthers) {
  const TemporaryFolder folder;
  const std::string path = folder.file("images");
  constexpr int64_t kRows = 100;
  const ImageShape shape{1, 96, 128};  // three pages of 4 KiB
  write_bytes(path, "__" + std::string(kRows * shape.size(), 'x'));
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  const Dataset data({.descriptor = descriptor, .offset = 2, .rows = kRows, .places = {0, 50, 99}}, {0, 1, 0},
                     shape, 2);
  ASSERT_EQ(::fsync(descriptor), 0);
  ASSERT_EQ(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED), 0);
  ::close(descriptor);
  const auto page = ::sysconf(_SC_PAGESIZE);
  const int64_t first = (2 + 50 * shape.size()) / page;
  const int64_t last = (2 + 51 * shape.size() - 1) / page;
  const int64_t far = (2 + 80 * shape.size()) / page;
  if (resident_pages(data.all_pixels())[first]) GTEST_SKIP() << "this file system keeps files in memory";
  data.will_need(at::ones({1}, at::kLong));
  const auto there = [&] {
    const std::vector<bool> pages = resident_pages(data.all_pixels());
    return std::all_of(pages.begin() + first, pages.begin() + last + 1, [](bool page) { return page; });
  };
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!there() && std::chrono::steady_clock::now() < patience)
    std::this_thread::yield();
  EXPECT_TRUE(there());
  EXPECT_FALSE(resident_pages(data.all_pixels())[far]);
}

TEST(MappedDataset, HasTheChosenImagesInTheirOrder) {
  const TemporaryFolder folder;
  const Dataset data = mapped(three_images(folder), {.offset = 2, .rows = 3, .places = {2, 0}}, {1, 0});
  EXPECT_EQ(data.count(), 2);
  EXPECT_EQ(data.filled(), 2);
  EXPECT_EQ(data.pixels(0)[0], 'i');
  EXPECT_EQ(data.pixels(1)[0], 'a');
  EXPECT_FLOAT_EQ(data.images(at::arange(2, at::kLong))[0][0][0][1].item<float>(), 'j' / 255.0F);
}

TEST(MappedDataset, RefusesWhatTheFileDoesNotHold) {
  const TemporaryFolder folder;
  const std::string path = three_images(folder);
  const auto refusal = [&](const MappedImages& images, const std::vector<int32_t>& labels) {
    return test::message_of([&] { mapped(path, images, labels); });
  };
  const std::string short_file =
      "ERR_DATA Expected a file that holds all that is mapped but received one of 14 bytes.";
  EXPECT_EQ(refusal({.offset = 3, .rows = 3}, {0, 0, 0}), short_file);
  EXPECT_EQ(refusal({.offset = -1, .rows = 3}, {0, 0, 0}), short_file);
  EXPECT_EQ(refusal({.offset = 2, .rows = std::numeric_limits<int64_t>::max(), .places = {0}}, {0}),
            short_file);
  EXPECT_EQ(refusal({.offset = 2, .rows = -1, .places = {0}}, {0}), short_file);
  EXPECT_EQ(refusal({.offset = 2, .rows = 3, .places = {3}}, {0}),
            "ERR_DATA Expected an image below 3 of the file but received 3.");
  EXPECT_EQ(refusal({.offset = 2, .rows = 3}, {0, 0}),
            "ERR_DATA Expected a label for each image of the file but received 2.");
  EXPECT_EQ(refusal({.offset = 2, .rows = 3}, {0, 0, 3}),
            "ERR_LABEL Label 3 at index 2 is outside 0…2 (3 classes).");
  EXPECT_EQ(test::message_of([&] { MappedFile(folder.file("none")); }),
            "ERR_DATA Expected a file with content to map into memory but received another.");
  EXPECT_EQ(test::message_of([&] { MappedFile(folder.path().string()); }).substr(0, 8), "ERR_DATA");
}

TEST(MappedTensors, OfASafetensorsFileAreThoseThatAreRead) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t.safetensors");
  const NamedTensors tensors{{"a", at::arange(5, at::kByte)},
                             {"b", at::arange(6, at::kFloat).view({2, 3})},
                             {"c", at::arange(300, at::kLong)}};
  write_safetensors(path, {{kChecksumKey, ""}}, tensors);
  const TensorFile file = read_safetensors(path, /*map_above=*/4);
  std::filesystem::remove(path);
  for (const auto& [name, tensor] : tensors)
    EXPECT_TRUE(file.at(name).equal(tensor)) << name;
}

TEST(StoredImages, AreTheSameInAFileWithoutAName) {
  const TemporaryFolder folder;
  StoredImages held("");
  StoredImages spilled(folder.path().string(), /*map_above=*/100);
  for (const int64_t n : {2, 1, 3}) {
    const at::Tensor images = (at::arange(n * 12, at::kFloat) + 100 * n).view({n, 3, 2, 2});
    held.add(images);
    spilled.add(images.contiguous(at::MemoryFormat::ChannelsLast));
  }
  EXPECT_EQ(folder.entries(), 0);
  const at::Tensor numbers = at::arange(5, -1, -1, at::kLong);
  EXPECT_TRUE(spilled.select(numbers).equal(held.select(numbers)));
  EXPECT_EQ(held.select(numbers)[3][0][0][1].item<float>(), 101);
  EXPECT_EQ(held.select(numbers.narrow(0, 0, 0)).size(0), 0);
}

TEST(StoredImages, SayWhenTheirFileCannotBeWritten) {
  const TemporaryFolder folder;
  const std::string none = folder.file("none");
  StoredImages images(none, /*map_above=*/1);
  EXPECT_EQ(
      test::message_of([&] {
        images.add(at::arange(4, at::kFloat).view({1, 1, 2, 2}));
      }),
      "ERR_WRITE Expected to write a file of " + none +
          " but received an error (No such file or directory). Choose a folder that exists and that you may "
          "write to.");
}

}  // namespace
}  // namespace selfgrad
