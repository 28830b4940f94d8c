// The header's grammar against hostile text: each case names what the message must say.
#include <gtest/gtest.h>

#include "fixtures.h"
#include "io/header_json.h"
#include "io/safetensors.h"

namespace selfgrad {
namespace {

TensorFileHeader parse(const std::string& json, uint64_t payload) {
  return parse_safetensors_header(json.data(), json.size(), payload, "f");
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

TEST(SafetensorsHeader, ReadsWhiteSpaceEscapesAndAnyKeyOrder) {
  const TensorFileHeader header = parse(
      " {\n\"__metadata__\" : { \"\\u0061\\n\\/\" : \"\\ud83d\\udc31\" } ,\t"
      "\"w\": {\"data_offsets\": [0, 8], \"shape\": [2], \"dtype\": \"F32\"} } ",
      8);
  EXPECT_EQ(header.metadata.at("a\n/"), "\xF0\x9F\x90\xB1");
  EXPECT_EQ(header.tensors[0].shape, std::vector<int64_t>{2});
}

TEST(SafetensorsHeader, AcceptsAnEmptyFileAndAnEmptyTensor) {
  EXPECT_TRUE(parse("{}", 0).tensors.empty());
  EXPECT_EQ(
      parse("{" + entry("e", "[0,3]", "[0,0]") + "," + entry("w", "[1]", "[0,4]") + "}", 4).tensors.size(),
      2U);
}

TEST(SafetensorsHeader, ListsTensorsInFileOrder) {
  const TensorFileHeader header =
      parse("{" + entry("b", "[1]", "[4,8]") + "," + entry("a", "[1]", "[0,4]") + "}", 8);
  EXPECT_EQ(header.tensors[0].name, "a");
}

struct Hostile {
  std::string name, json, says;
  uint64_t payload = 8;
};

class HostileHeader : public ::testing::TestWithParam<Hostile> {};

const std::string kDeep(100000, '[');

INSTANTIATE_TEST_SUITE_P(
    Cases, HostileHeader,
    ::testing::Values(
        Hostile{"empty", "", "no '{'"}, Hostile{"array", "[]", "no '{'"},
        Hostile{"unclosed", "{\"a\"", "no ':'"}, Hostile{"trailing", "{}{}", "more text than one object"},
        Hostile{"comma", "{\"__metadata__\":{},}", "no '\"'"},
        Hostile{"overlap", "{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[1]", "[4,8]") + "}",
                "an overlap"},
        Hostile{"same_place", "{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[2]", "[0,8]") + "}",
                "an overlap"},
        Hostile{"gap", "{" + entry("a", "[1]", "[4,8]") + "}", "a gap"},
        Hostile{"behind", "{" + entry("a", "[1]", "[0,4]") + "}", "8 bytes of tensors instead of 4"},
        Hostile{"short_payload", "{" + entry("a", "[4]", "[0,16]") + "}", "8 bytes of tensors instead of 16"},
        Hostile{"wrong_size", "{" + entry("a", "[3]", "[0,8]") + "}", "8 bytes instead of 12"},
        Hostile{"overflow", "{" + entry("a", "[4294967296,4294967296]", "[0,8]") + "}",
                "a shape that overflows"},
        Hostile{"overflow_of_nothing", "{" + entry("a", "[0,4294967296,4294967296]", "[0,0]") + "}",
                "a shape that overflows", 0},
        Hostile{"huge_extent", "{" + entry("a", "[9223372036854775807]", "[0,8]") + "}",
                "a shape that overflows"},
        Hostile{"huge_number", "{" + entry("a", "[9223372036854775808]", "[0,8]") + "}",
                "a number above 2^63 - 1"},
        Hostile{"negative", "{" + entry("a", "[-2]", "[0,8]") + "}", "no whole number"},
        Hostile{"fraction", "{" + entry("a", "[2.0]", "[0,8]") + "}", "no ']'"},
        Hostile{"leading_zero", "{" + entry("a", "[02]", "[0,8]") + "}", "a leading zero"},
        Hostile{"backwards", "{" + entry("a", "[2]", "[8,0]") + "}", "offsets that are not [begin, end]"},
        Hostile{"three_offsets", "{" + entry("a", "[2]", "[0,4,8]") + "}",
                "offsets that are not [begin, end]"},
        Hostile{"twice", "{" + entry("a", "[2]", "[0,8]") + "," + entry("a", "[2]", "[0,8]") + "}",
                "the key \"a\" twice"},
        Hostile{"metadata_twice", "{\"__metadata__\":{},\"__metadata__\":{}}",
                "the key \"__metadata__\" twice"},
        Hostile{"field_twice", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "the key \"dtype\" twice"},
        Hostile{"missing_field", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}",
                "without dtype, shape and data_offsets"},
        Hostile{"unknown_field", "{\"a\":{\"stride\":[1]}}", "the unknown key \"stride\""},
        Hostile{"metadata_number", "{\"__metadata__\":{\"a\":1}}", "no '\"'"},
        Hostile{"deep", "{\"a\":{\"shape\":" + kDeep, "no whole number"},
        Hostile{"control", "{\"a\nb\":1}", "a control character"},
        Hostile{"bad_escape", "{\"\\x\":1}", "a bad escape"},
        Hostile{"cut_escape", "{\"\\u00", "a cut escape"},
        Hostile{"half_pair", "{\"\\ud83d\":1}", "half of a surrogate pair"},
        Hostile{"lone_low", "{\"\\udc31\":1}", "half of a surrogate pair"},
        Hostile{"overlong", "{\"\xC0\xAF\":1}", "text that is not UTF-8"},
        Hostile{"latin1", "{\"\xE9\":1}", "text that is not UTF-8"},
        Hostile{"endless_string", "{\"abc", "a string without its end"}),
    [](const auto& info) { return info.param.name; });

TEST_P(HostileHeader, IsRefusedWithWhatIsWrong) {
  const std::string message = test::message_of([] { parse(GetParam().json, GetParam().payload); });
  EXPECT_TRUE(message.starts_with("ERR_CHECKPOINT Expected a safetensors file at f but received "))
      << message;
  EXPECT_NE(message.find(GetParam().says), std::string::npos) << message;
}

TEST(SafetensorsHeader, NamesTheByteWhereItStopped) {
  EXPECT_EQ(test::message_of([] { parse("{\"a\":{\"stride\":[1]}}", 0); }),
            "ERR_CHECKPOINT Expected a safetensors file at f but received the unknown key \"stride\" at byte "
            "15 of its header. The file is damaged or of another format.");
}

TEST(IsUtf8, FollowsTheStandardsTable) {
  for (const char* good :
       {"", "a", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace selfgrad
