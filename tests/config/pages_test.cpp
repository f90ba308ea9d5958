#include "tests/config/config_support.hpp"

#include <weir/config/print.hpp>

#include <boost/json/parse.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::config {
namespace {

const std::filesystem::path root = WEIR_SOURCE_DIR;
const char* const stale = "out of date; build the target weir_config_pages to write it anew";

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(PagesTest, TheCommittedSchemaIsCurrent) {
  EXPECT_TRUE(content(root / "config/weir.schema.json") == schema_json()) << stale;
}

TEST(PagesTest, TheCommittedReferenceIsCurrent) {
  EXPECT_TRUE(content(root / "docs/configuration.md") == reference_markdown()) << stale;
}

TEST(PagesTest, TheSchemaIsJson) {
  EXPECT_NO_THROW(boost::json::parse(schema_json()));
}

class SamplesTest : public config_test, public testing::WithParamInterface<const char*> {
 protected:
  std::string text() const { return content(root / "config/samples" / GetParam()); }
};

TEST_P(SamplesTest, IsValidWithoutWarnings) {
  const auto loaded = load_yaml(text());
  EXPECT_TRUE(loaded.settings);
  EXPECT_EQ(format_problems(loaded.problems), "");
}

TEST_P(SamplesTest, ShowsAndLoadsAgainAsTheSameSettings) {
  const auto given = valid(text());
  EXPECT_EQ(valid(show(given)), given);
}

TEST_P(SamplesTest, PointsEditorsToTheSchema) {
  EXPECT_THAT(text(), testing::StartsWith("# yaml-language-server: $schema=../weir.schema.json\n"));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    SamplesTest,
    testing::Values("minimal.yaml", "single.yaml", "cluster.yaml", "full.yaml"),
    [](const auto& sample) {
      const std::string name = sample.param;
      return name.substr(0, name.find('.'));
    }
);

TEST(PagesTest, EverySampleIsTested) {
  std::size_t files = 0;
  for (const auto& each : std::filesystem::directory_iterator(root / "config/samples")) {
    files += each.path().extension() == ".yaml" ? 1 : 0;
  }
  EXPECT_EQ(files, 4u);
}

}  // namespace
}  // namespace weir::config
