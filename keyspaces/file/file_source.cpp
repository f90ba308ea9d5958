#include "file/file_reader.hpp"
#include "file/file_writer.hpp"

namespace weir {
namespace {

constexpr std::string_view file_type = "file";

class file_source final : public blocking_source {
 public:
  explicit file_source(file_source_options options)
      : reader_(std::move(options), file_reader::tags::none) {}

  std::string_view type() const noexcept override { return file_type; }

  result<loaded> load(std::string_view key, const load_context& context) override {
    return reader_.load(key, context);
  }

 private:
  const file_reader reader_;
};

class file_store final : public blocking_store {
 public:
  explicit file_store(file_source_options options)
      : reader_(std::move(options), file_reader::tags::of_content), writer_(reader_) {}

  std::string_view type() const noexcept override { return file_type; }

  result<loaded> load(std::string_view key, const load_context& context) override {
    return reader_.load(key, context);
  }

  result<stored> put(
      std::string_view key,
      const bytes& value,
      const write_condition& condition,
      const load_context& context
  ) override {
    return writer_.put(key, value, condition, context);
  }

  result<stored> erase(
      std::string_view key, const write_condition& condition, const load_context& context
  ) override {
    return writer_.erase(key, condition, context);
  }

 private:
  const file_reader reader_;
  const file_writer writer_;
};

}  // namespace

std::shared_ptr<data_source> make_file_source(file_source_options options) {
  if (options.write) return std::make_shared<file_store>(std::move(options));
  return std::make_shared<file_source>(std::move(options));
}

}  // namespace weir
