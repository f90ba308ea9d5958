#pragma once

#include "tests/support/scratch_folder.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace weir::test {

/// The real `weir` program in a process of its own; its output goes to files. Killed by its id when
/// the test forgets it.
class program {
 public:
  /// `more` is added to the environment of this process.
  program(
      const scratch_folder& folder,
      std::vector<std::string> words,
      std::string_view input = {},
      const std::map<std::string, std::string>& more = {}
  );
  ~program();

  program(const program&) = delete;
  program& operator=(const program&) = delete;

  std::string out() const;
  std::string err() const;

  /// Waits until stdout (or stderr) holds `text`; false when the process ended or 20 s passed
  /// before.
  bool prints(std::string_view text) const;
  bool logs(std::string_view text) const;

  void signal(int number) const;

  /// Waits for the end and returns the exit code; -1 when a signal ended it or 30 s passed.
  int wait();
  bool is_running() const;

  /// What follows `word` in the banner of `weir serve`, up to the comma: "http http://127.0.0.1:1".
  std::string banner(std::string_view word) const;

  pid_t id() const noexcept { return id_; }

 private:
  bool shows(const std::filesystem::path& file, std::string_view text) const;

  std::filesystem::path out_;
  std::filesystem::path err_;
  pid_t id_ = -1;
  mutable int status_ = -1;
  mutable bool has_ended_ = false;
};

/// Runs the program to its end.
struct finished {
  int code;
  std::string out;
  std::string err;
};

finished run(
    const scratch_folder& folder, std::vector<std::string> words, std::string_view input = {}
);

/// "127.0.0.1:PORT" that was free a moment ago.
std::string free_address();

}  // namespace weir::test
