// Files: round trips, deterministic and foreign bytes, damaged files, full devices.
#include "io/safetensors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "fixtures.h"
#include "temporary_folder.h"

namespace selfgrad {
namespace {

using testing::file_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

/// The eight bytes of the header's length, the header, the payload.
std::string assemble(const std::string& header, const std::string& payload) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + payload;
}

class RoundTrip : public ::testing::TestWithParam<at::ScalarType> {};

INSTANTIATE_TEST_SUITE_P(Dtypes, RoundTrip,
                         ::testing::Values(at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kChar,
                                           at::kByte, at::kShort, at::kInt, at::kLong, at::kBool),
                         [](const auto& info) { return std::string(c10::toString(info.param)); });

TEST_P(RoundTrip, KeepsValuesShapesAndTypes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t.safetensors");
  const at::Tensor values = at::arange(12).remainder(5).to(GetParam());
  const NamedTensors tensors = {{"matrix", values.view({3, 4})},
                                {"scalar", values.select(0, 3)},
                                {"empty", values.narrow(0, 0, 0).view({0, 7})},
                                {"strided", values.view({3, 4}).t()}};
  write_safetensors(path, {{"key", "value"}}, tensors);
  const TensorFile file = read_safetensors(path);
  EXPECT_EQ(file.metadata, (Metadata{{"key", "value"}}));
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(file.at(name).scalar_type(), GetParam()) << name;
    EXPECT_TRUE(file.at(name).equal(tensor)) << name;
  }
}

TEST(WriteSafetensors, GivesEqualBytesInAnyOrder) {
  const TemporaryFolder folder;
  const std::pair<std::string, at::Tensor> a{"a", at::arange(3, at::kByte)};
  const std::pair<std::string, at::Tensor> b{"b", at::ones({2, 2})};
  write_safetensors(folder.file("1"), {{"x", "1"}, {"y", "2"}}, {a, b});
  write_safetensors(folder.file("2"), {{"y", "2"}, {"x", "1"}}, {b, a});
  EXPECT_EQ(file_bytes(folder.file("1")), file_bytes(folder.file("2")));
}

TEST(WriteSafetensors, AlignsEveryTensorToItsElements) {
  const TemporaryFolder folder;
  write_safetensors(
      folder.file("t"), {{"odd", "length"}},
      {{"bytes", at::arange(3, at::kByte)}, {"wide", at::zeros({1}, at::kDouble)}, {"f", at::ones({3})}});
  const uint64_t length = *reinterpret_cast<const uint64_t*>(file_bytes(folder.file("t")).data());
  EXPECT_EQ(length % 8, 0U);
  const TensorFileHeader header = read_safetensors_header(folder.file("t"));
  EXPECT_EQ(header.tensors[0].name, "wide");
  EXPECT_EQ(header.tensors[1].name, "f");
  EXPECT_EQ(header.tensors[2].begin, 20U);
}

TEST(WriteSafetensors, KeepsAwkwardText) {
  const TemporaryFolder folder;
  const Metadata metadata = {{"quote\" back\\slash", "line\nfeed\ttab \x01 nul"},
                             {"\xC3\xA9", "\xF0\x9F\x90\xB1"}};
  write_safetensors(folder.file("t"), metadata, {{"layer \"1\"", at::ones({1})}});
  EXPECT_EQ(read_safetensors(folder.file("t")).metadata, metadata);
  EXPECT_TRUE(read_safetensors(folder.file("t")).has("layer \"1\""));
}

TEST(WriteSafetensors, RefusesWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t");
  EXPECT_EQ(test::message_of([&] {
              write_safetensors(path, {}, {{"a", at::ones({1})}, {"a", at::ones({2})}});
            }),
            "ERR_NATIVE Expected one tensor of each name but received \"a\" twice.");
  EXPECT_EQ(
      test::message_of([&] {
        write_safetensors(path, {}, {{"c", at::zeros({1}, at::kComplexFloat)}});
      }),
      "ERR_NATIVE Expected a tensor that safetensors can hold but received \"c\" of type ComplexFloat.");
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(WriteSafetensors, KeepsTheOldFileWhenTheDeviceIsFull) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t");
  write_safetensors(path, {{"version", "1"}}, {{"w", at::ones({4})}});
  const std::string before = file_bytes(path);
  // A limit on the file's size fails as a full device does, in the middle of the payload.
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tiny{1024, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tiny), 0);
  const std::string message = test::message_of([&] {
    write_safetensors(path, {{"version", "2"}}, {{"w", at::ones({4096})}});
  });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message,
            "ERR_WRITE Expected room to write " + path +
                " but the device is full (File too large). Free some space or choose another folder.");
  EXPECT_EQ(file_bytes(path), before);
  EXPECT_EQ(folder.entries(), 1U) << "the temporary file stayed";
}

TEST(WriteSafetensors, SaysWhichFolderItCannotWrite) {
  const TemporaryFolder folder;
  const std::string path = folder.file("absent/t.safetensors");
  EXPECT_EQ(test::message_of([&] {
              write_safetensors(path, {}, {{"w", at::ones({1})}});
            }),
            "ERR_WRITE Expected to write " + path +
                " but received an error (No such file or directory). Choose a folder that exists and that "
                "you may write to.");
}

TEST(WriteSafetensors, ReplacesAFileThatIsBeingRead) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("t"), {}, {{"w", at::zeros({2})}});
  const TensorFile before = read_safetensors(folder.file("t"));
  write_safetensors(folder.file("t"), {}, {{"w", at::ones({2})}});
  EXPECT_EQ(before.at("w").sum().item<double>(), 0);
  EXPECT_EQ(read_safetensors(folder.file("t")).at("w").sum().item<double>(), 2);
}

TEST(ReadSafetensors, ReadsBytesOfThePythonLibrary) {
  // As safetensors 0.4 writes them: metadata first, compact JSON, padded by spaces.
  const TemporaryFolder folder;
  write_bytes(
      folder.file("t"),
      assemble(
          R"({"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
          R"("b":{"dtype":"I8","shape":[],"data_offsets":[8,9]}}   )",
          std::string("\x00\x00\x80\x3F\x00\x00\x00\xC0\xFD", 9)));
  const TensorFile file = read_safetensors(folder.file("t"));
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_TRUE(file.at("a.weight").equal(at::tensor({1.0F, -2.0F}).view({1, 2})));
  EXPECT_EQ(file.at("b").item<int64_t>(), -3);
}

TEST(ReadSafetensors, AgreesWithTheReferenceScriptByteForByte) {
  const TemporaryFolder folder;
  const auto reference =
      std::filesystem::path(__FILE__).parent_path() / "../attack/reference/pgd_reference.safetensors";
  const TensorFile file = read_safetensors(reference.string());
  write_safetensors(folder.file("t"), file.metadata, file.tensors);
  EXPECT_EQ(file_bytes(folder.file("t")), file_bytes(reference.string()));
}

TEST(ReadSafetensors, NoticesEveryFlippedBitOfAFileWithAChecksum) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t");
  write_safetensors(path, {{kChecksumKey, ""}, {"text", "abc"}},
                    {{"a", at::arange(3, at::kByte)}, {"w", at::ones({5})}});
  const std::string whole = file_bytes(path);
  const std::string written = read_safetensors(path).metadata.at(kChecksumKey);
  EXPECT_EQ(written.size(), 16U);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    write_bytes(path, damaged);
    // A damaged key is another key: the file has no checksum then, and nothing else is damaged.
    const size_t key = whole.find(kChecksumKey);
    if (bit / 8 >= key && bit / 8 < key + std::string(kChecksumKey).size()) continue;
    EXPECT_NE(test::message_of([&] { read_safetensors(path); }), "nothing thrown") << "bit " << bit;
  }
  std::string damaged = whole;
  damaged.back() ^= 1;
  write_bytes(path, damaged);
  const std::string message = test::message_of([&] { read_safetensors(path); });
  EXPECT_NE(message.find("received other bytes than were written (checksum "), std::string::npos) << message;
  EXPECT_NE(message.find(" instead of " + written + "). The file is damaged: use a copy."),
            std::string::npos);
}

TEST(ReadSafetensors, RefusesAFileCutAnywhere) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("whole"), {{"k", "v"}},
                    {{"a", at::arange(3, at::kByte)}, {"w", at::ones({2})}});
  const std::string whole = file_bytes(folder.file("whole"));
  for (size_t size = 0; size < whole.size(); ++size) {
    write_bytes(folder.file("cut"), whole.substr(0, size));
    EXPECT_THROW(read_safetensors(folder.file("cut")), Error) << "cut to " << size << " bytes";
  }
}

TEST(ReadSafetensors, SurvivesAnyChangedByteOfTheHeader) {
  const TemporaryFolder folder;
  write_safetensors(folder.file("whole"), {{"k", "v"}},
                    {{"a", at::arange(3, at::kByte)}, {"w", at::ones({2})}});
  const std::string whole = file_bytes(folder.file("whole"));
  for (size_t at = 0; at < whole.size() - 11; ++at) {
    for (const char value : {'\0', '"', '9', '{', '\\', '\xFF'}) {
      std::string changed = whole;
      changed[at] = value;
      write_bytes(folder.file("changed"), changed);
      try {
        read_safetensors(folder.file("changed"));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), "ERR_CHECKPOINT");
      }
    }
  }
}

TEST(ReadSafetensors, NamesWhatIsMissing) {
  const TemporaryFolder folder;
  EXPECT_EQ(test::message_of([&] { read_safetensors(folder.file("absent")); }),
            "ERR_CHECKPOINT Expected a safetensors file at " + folder.file("absent") +
                " but received no file. Check the path.");
  EXPECT_EQ(test::message_of([&] { read_safetensors(folder.path().string()); }),
            "ERR_CHECKPOINT Expected a safetensors file at " + folder.path().string() +
                " but received no regular file. Name a file.");
  write_safetensors(folder.file("t"), {}, {{"a", at::ones({1})}});
  EXPECT_EQ(test::message_of([&] { read_safetensors(folder.file("t")).at("b"); }),
            "ERR_CHECKPOINT Expected tensor \"b\" in the checkpoint but received a file without it. Choose a "
            "file that this version of selfgrad wrote.");
}

TEST(ReadSafetensors, RefusesTypesThatItCannotHoldButListsThem) {
  const TemporaryFolder folder;
  write_bytes(folder.file("t"),
              assemble(R"({"q":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})", "ab"));
  EXPECT_EQ(read_safetensors_header(folder.file("t")).tensors[0].dtype, "F8_E4M3");
  EXPECT_EQ(test::message_of([&] { read_safetensors(folder.file("t")); }),
            "ERR_CHECKPOINT Expected a safetensors file at " + folder.file("t") +
                " but received tensor \"q\" of type \"F8_E4M3\". Types F64, F32, F16, BF16, I64, I32, I16, "
                "I8, U8 and BOOL can be read.");
}

TEST(ReadSafetensors, RefusesABoolThatIsNeither) {
  const TemporaryFolder folder;
  write_bytes(folder.file("t"),
              assemble(R"({"b":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", "\x01\x02"));
  EXPECT_EQ(test::message_of([&] { read_safetensors(folder.file("t")); }),
            "ERR_CHECKPOINT Expected a safetensors file at " + folder.file("t") +
                " but received a byte above 1 in tensor \"b\" of type BOOL. The file is damaged.");
}

TEST(ReadSafetensors, RefusesGigabytesThatAreNotThere) {
  const TemporaryFolder folder;
  const uint64_t huge = uint64_t{1} << 62;
  write_bytes(folder.file("t"), std::string(reinterpret_cast<const char*>(&huge), 8) + "{}");
  EXPECT_EQ(test::message_of([&] { read_safetensors(folder.file("t")); }),
            "ERR_CHECKPOINT Expected a safetensors file at " + folder.file("t") +
                " but received a header of 4611686018427387904 bytes in a file of 10. The file is cut or of "
                "another format.");
}

}  // namespace
}  // namespace selfgrad
