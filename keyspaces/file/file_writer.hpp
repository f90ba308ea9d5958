#pragma once

#include "file/file_reader.hpp"

#include <weir/engine/store.hpp>

#include <string_view>

namespace weir {

/// Writes files below the root of a reader, which must outlive it.
///
/// A new content is written aside, in the same folder, and flushed before it takes the place of the
/// old one in one step; then the folder is flushed. Judging the condition and that step happen under
/// a lock of the root (flock), so of several processes of weir one wins; other programs do not know
/// the lock, and may change a file between the two. Folders on the way are made. No link is
/// followed at the end of a path. Stateless; blocks.
class file_writer {
 public:
  explicit file_writer(const file_reader& reader) : reader_(reader) {}

  result<stored> put(
      std::string_view key,
      const bytes& value,
      const write_condition& condition,
      const load_context& context
  ) const;

  result<stored> erase(
      std::string_view key, const write_condition& condition, const load_context& context
  ) const;

 private:
  result<void> judge(
      std::string_view key, const write_condition& condition, const load_context& context
  ) const;

  const file_reader& reader_;
};

}  // namespace weir
