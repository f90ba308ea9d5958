#include <weir/discovery/static_provider.hpp>
#include <weir/engine/runtime.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace weir {
namespace {

using answers = std::vector<result<std::vector<candidate>>>;

class StaticProviderTest : public testing::Test {
 protected:
  provider::answer_callback keep() {
    return [this](auto answer) { answers_.push_back(std::move(answer)); };
  }

  runtime env_{{.threads = 1}};
  answers answers_;
};

TEST(ParseCandidate, ReadsAddressesWithAndWithoutId) {
  EXPECT_EQ(parse_candidate("n1=10.0.0.1:7420")->id, "n1");
  EXPECT_EQ(parse_candidate("n1=10.0.0.1:7420")->address, "10.0.0.1:7420");
  EXPECT_EQ(parse_candidate("10.0.0.1:7420")->id, "");
  EXPECT_EQ(parse_candidate("n2=[::1]:7420")->address, "[::1]:7420");
  EXPECT_EQ(parse_candidate("db.internal:7420")->address, "db.internal:7420");
}

TEST(ParseCandidate, RefusesWhatCannotBeDialled) {
  for (const auto* each :
       {"",
        "n1",
        "n1=",
        "=10.0.0.1:7420",
        ":7420",
        "n1=:7420",
        "10.0.0.1:0",
        "10.0.0.1",
        "10.0.0.1:70000",
        "10.0.0.1:x",
        "::1:7420",
        "a b:7420"}) {
    EXPECT_FALSE(parse_candidate(each)) << each;
  }
  EXPECT_TRUE(parse_candidate(std::string(max_name, 'n') + "=10.0.0.1:7420"));
  EXPECT_FALSE(parse_candidate(std::string(max_name + 1, 'n') + "=10.0.0.1:7420"));
}

TEST_F(StaticProviderTest, AnswersItsListWhenStarted) {
  static_provider peers(std::vector<std::string>{"n1=10.0.0.1:7420", "10.0.0.2:7420"});
  peers.start(env_, keep());
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->size(), 2u);
  peers.stop();
}

TEST_F(StaticProviderTest, AnswersAgainWhenTheListIsReplaced) {
  static_provider peers(std::vector<std::string>{"n1=10.0.0.1:7420"});
  peers.start(env_, keep());
  peers.replace({{"n2", "10.0.0.2:7420"}});
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1]->at(0).id, "n2");
  peers.stop();
}

TEST_F(StaticProviderTest, KeepsAListThatWasReplacedBeforeStart) {
  static_provider peers(std::vector<std::string>{});
  peers.replace({{"n2", "10.0.0.2:7420"}});
  EXPECT_TRUE(answers_.empty());
  peers.start(env_, keep());
  EXPECT_EQ(answers_.at(0)->at(0).id, "n2");
  peers.stop();
}

TEST_F(StaticProviderTest, IsSilentAfterStop) {
  static_provider peers(std::vector<std::string>{});
  peers.start(env_, keep());
  peers.stop();
  peers.replace({{"n2", "10.0.0.2:7420"}});
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(StaticProviderTest, ThrowsOnATextThatIsNoAddress) {
  EXPECT_THROW(static_provider(std::vector<std::string>{"n1"}), std::invalid_argument);
}

// The shortest useful plug-in: what a program writes that has a registry of its own.
class registry : public provider {
 public:
  void start(environment&, answer_callback answer) override {
    answer_ = std::move(answer);
    answer_(errc::unavailable);
  }

  void stop() override { answer_ = nullptr; }

  void announce(const identity& self) override { found({{self.id, self.address}}); }

  void found(std::vector<candidate> nodes) { answer_(std::move(nodes)); }

 private:
  answer_callback answer_;
};

TEST_F(StaticProviderTest, ACustomProviderMayFailFirstAndAnswerLater) {
  registry custom;
  provider& port = custom;
  port.start(env_, keep());
  port.announce({.cluster = "demo", .id = "n1", .address = "10.0.0.1:7420"});
  port.leave();
  port.stop();
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0].error(), errc::unavailable);
  EXPECT_EQ(answers_[1]->at(0).address, "10.0.0.1:7420");
}

}  // namespace
}  // namespace weir
