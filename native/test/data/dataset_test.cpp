// Resident data sets: what goes in comes out, and what does not fit is refused.
#include "data/dataset.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "fixtures.h"

namespace selfgrad {
namespace {

TEST(Dataset, GivesPixelsInUnitsOfOneAndLabels) {
  Dataset data(2, {1, 1, 3}, 4);
  const std::vector<uint8_t> pixels{0, 51, 255, 102, 153, 204};
  const std::vector<int32_t> labels{3, 0};
  data.append(pixels.data(), labels.data(), 2);
  const at::Tensor images = data.images(at::tensor({1, 0}, at::kLong));
  EXPECT_FLOAT_EQ(images[0][0][0][1].item<float>(), 0.6F);
  EXPECT_FLOAT_EQ(images[1][0][0][2].item<float>(), 1.0F);
  EXPECT_EQ(data.labels(at::tensor({1, 0}, at::kLong))[0].item<int64_t>(), 0);
}

TEST(Dataset, StatisticsAreThoseOfAllPixelsPerChannel) {
  Dataset data(2, {2, 1, 2}, 2);
  const std::vector<uint8_t> pixels{0, 0, 255, 255, 255, 255, 255, 255};
  const std::vector<int32_t> labels{0, 1};
  data.append(pixels.data(), labels.data(), 2);
  std::vector<double> mean;
  std::vector<double> std;
  data.statistics(mean, std);
  EXPECT_DOUBLE_EQ(mean[0], 0.5);
  EXPECT_DOUBLE_EQ(std[0], 0.5);
  EXPECT_DOUBLE_EQ(mean[1], 1.0);
  EXPECT_DOUBLE_EQ(std[1], 0.0);
}

TEST(Dataset, RefusesLabelsOutsideTheClasses) {
  Dataset data(2, {1, 1, 1}, 10);
  const std::vector<uint8_t> pixels{0, 0};
  const std::vector<int32_t> labels{9, 10};
  EXPECT_EQ(test::message_of([&] { data.append(pixels.data(), labels.data(), 2); }),
            "ERR_LABEL Label 10 at index 1 is outside 0…9 (10 classes).");
  EXPECT_EQ(data.filled(), 0);
}

TEST(Dataset, RefusesMoreImagesThanItHasRoomFor) {
  Dataset data(1, {1, 1, 1}, 2);
  const std::vector<uint8_t> pixels{0, 0};
  const std::vector<int32_t> labels{0, 1};
  EXPECT_EQ(test::message_of([&] { data.append(pixels.data(), labels.data(), 2); }),
            "ERR_DATA Expected at most 1 images but received 2.");
}

TEST(Dataset, RefusesToBeEmpty) {
  EXPECT_EQ(test::message_of([] { Dataset(0, {1, 28, 28}, 10); }).substr(0, 8), "ERR_DATA");
}

}  // namespace
}  // namespace selfgrad
