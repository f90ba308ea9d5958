#include "engine/change_tickets.hpp"

#include "tests/support/hand_environment.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace weir {
namespace {

using namespace std::chrono_literals;

class ChangeTicketsTest : public testing::Test {
 protected:
  /// How the change of `ticket` ends, once it does.
  std::shared_ptr<std::optional<confirm_reply>> wait(std::uint64_t ticket) {
    auto heard = std::make_shared<std::optional<confirm_reply>>();
    tickets_->wait(ticket, env_.now() + 1s, [heard](confirm_reply end) {
      *heard = std::move(end);
    });
    return heard;
  }

  static confirm_reply partial() { return {.error = {}, .unconfirmed = {"n3"}, .bound = 5ms}; }

  test::hand_environment env_;
  std::shared_ptr<change_tickets> tickets_ = std::make_shared<change_tickets>(env_);
};

TEST_F(ChangeTicketsTest, WhoWaitsHearsTheEnd) {
  const auto ticket = tickets_->open();
  const auto heard = wait(ticket);
  EXPECT_FALSE(*heard);
  tickets_->close(ticket, partial());
  ASSERT_TRUE(*heard);
  EXPECT_EQ((*heard)->unconfirmed, std::vector<std::string>{"n3"});
  EXPECT_EQ((*heard)->bound, 5ms);
  EXPECT_EQ(env_.timers(), 0u);
}

TEST_F(ChangeTicketsTest, AnEndThatCameFirstIsKeptForTheOneWhoAsks) {
  const auto ticket = tickets_->open();
  tickets_->close(ticket, partial());
  EXPECT_EQ(wait(ticket)->value().bound, 5ms);
  EXPECT_EQ(wait(ticket)->value().error, errc::unknown_outcome) << "told once";
}

TEST_F(ChangeTicketsTest, TicketsDiffer) {
  const auto one = tickets_->open();
  const auto other = tickets_->open();
  EXPECT_NE(one, other);
  tickets_->close(one, partial());
  EXPECT_FALSE(*wait(other));
}

TEST_F(ChangeTicketsTest, WaitingEndsAtItsDeadline) {
  const auto heard = wait(tickets_->open());
  env_.pass(999ms);
  EXPECT_FALSE(*heard);
  env_.pass(1ms);
  ASSERT_TRUE(*heard);
  EXPECT_EQ((*heard)->error, errc::deadline_exceeded);
}

TEST_F(ChangeTicketsTest, ATicketOfNobodyHasAnUnknownOutcome) {
  EXPECT_EQ(wait(12'345)->value().error, errc::unknown_outcome);
  tickets_->close(12'345, partial());
}

TEST_F(ChangeTicketsTest, OnlyOneMayWait) {
  const auto ticket = tickets_->open();
  const auto first = wait(ticket);
  EXPECT_EQ(wait(ticket)->value().error, errc::unknown_outcome);
  tickets_->close(ticket, partial());
  EXPECT_EQ((*first)->bound, 5ms);
}

TEST_F(ChangeTicketsTest, TheOldestTicketsAreForgotten) {
  const auto first = tickets_->open();
  const auto second = tickets_->open();
  for (int i = 0; i != 65'535; ++i) tickets_->open();
  EXPECT_EQ(wait(first)->value().error, errc::unknown_outcome);
  EXPECT_FALSE(*wait(second));
}

}  // namespace
}  // namespace weir
