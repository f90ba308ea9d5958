#include "node/program/log_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace weir {
namespace {

class LogWriterTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(ends_.data()), 0); }

  void TearDown() override {
    ::close(ends_[0]);
    if (ends_[1] >= 0) ::close(ends_[1]);
  }

  int descriptor() const { return ends_[1]; }

  std::string read_to_end() {
    ::close(std::exchange(ends_[1], -1));
    std::string out;
    std::array<char, 4096> part{};
    for (ssize_t size = 0; (size = ::read(ends_[0], part.data(), part.size())) > 0;) {
      out.append(part.data(), static_cast<std::size_t>(size));
    }
    return out;
  }

  std::array<int, 2> ends_{};
};

TEST_F(LogWriterTest, EveryLineNamesTheNode) {
  {
    log_writer log(descriptor(), log_style::logfmt, log_level::info);
    log.set_node("n7");
    log({log_level::info, "ring.changed", {}});
    log({log_level::info, "peer.left", {{"peer", "n2"}}});
  }
  const auto text = read_to_end();
  EXPECT_NE(text.find("node=n7 event=ring.changed"), std::string::npos) << text;
  EXPECT_NE(text.find("node=n7 event=peer.left peer=n2"), std::string::npos) << text;
}

TEST_F(LogWriterTest, WritesEveryLineBeforeItIsGone) {
  {
    log_writer log(descriptor(), log_style::logfmt, log_level::info);
    log({log_level::info, "node.started", {{"node", "n1"}}});
    log({log_level::error, "reload.refused", {}});
  }
  const auto text = read_to_end();
  EXPECT_NE(text.find("level=info event=node.started node=n1\n"), std::string::npos);
  EXPECT_NE(text.find("level=error event=reload.refused\n"), std::string::npos);
}

TEST_F(LogWriterTest, LeavesOutWhatIsBelowItsLevel) {
  {
    log_writer log(descriptor(), log_style::json, log_level::warn);
    log({log_level::info, "quiet", {}});
    log.set_level(log_level::debug);
    log({log_level::debug, "loud", {}});
  }
  const auto text = read_to_end();
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("\"event\":\"loud\""), std::string::npos);
}

TEST_F(LogWriterTest, DropsAndCountsWhenNobodyReadsAndNeverBlocks) {
  constexpr std::size_t lines = 10'000;
  const std::string filler(200, 'x');
  log_writer log(descriptor(), log_style::logfmt, log_level::info);
  for (std::size_t i = 0; i != lines; ++i) log({log_level::info, "flood", {{"filler", filler}}});
  EXPECT_GT(log.dropped(), 0u);
  EXPECT_LT(log.dropped(), lines);
}

TEST_F(LogWriterTest, TellsHowManyWereDroppedOnceThereIsRoom) {
  const std::string filler(200, 'x');
  std::uint64_t dropped = 0;
  {
    log_writer log(descriptor(), log_style::logfmt, log_level::info);
    for (int i = 0; i != 5000; ++i) log({log_level::info, "flood", {{"filler", filler}}});
    dropped = log.dropped();
    std::array<char, 65536> part{};
    std::string seen;
    while (seen.find("event=log.dropped lines=") == std::string::npos) {
      const auto size = ::read(ends_[0], part.data(), part.size());
      ASSERT_GT(size, 0);
      seen.append(part.data(), static_cast<std::size_t>(size));
    }
  }
  EXPECT_GT(dropped, 0u);
}

TEST_F(LogWriterTest, CountsWhatAFullDiskRefuses) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  {
    log_writer log(full, log_style::logfmt, log_level::info);
    log({log_level::info, "lost", {}});
    log.flush(std::chrono::seconds(5));
    EXPECT_EQ(log.dropped(), 1u);
  }
  ::close(full);
}

}  // namespace
}  // namespace weir
