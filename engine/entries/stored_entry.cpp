#include "entries/stored_entry.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <malloc.h>
#include <new>
#include <stdexcept>

namespace weir {
namespace {

// What glibc's malloc puts before each block, and an index at its usual load takes per entry.
constexpr std::size_t block_overhead = 8;
constexpr std::size_t index_share = 16;

// Of a block that this file did not allocate, by glibc's rule: operator new may be replaced.
std::size_t estimated_cost(std::size_t heap_size) {
  return std::max<std::size_t>(32, (heap_size + block_overhead + 15) / 16 * 16);
}

}  // namespace

std::size_t stored_entry::extra_size(std::uint8_t extras) noexcept {
  return (extras & has_meta ? sizeof(meta_pointer) : 0) +
         (extras & has_shared_value ? sizeof(void*) : 0);
}

void*& stored_entry::value_block() noexcept {
  return *reinterpret_cast<void**>(behind() + (extras_ & has_meta ? sizeof(meta_pointer) : 0));
}

stored_entry::stored_entry(const new_entry& from) noexcept
    : hash(from.hash),
      expires(from.expires),
      loaded_at(from.loaded_at),
      epoch(from.epoch),
      seq(from.seq),
      slot(from.slot),
      kind(from.kind),
      is_absent(from.is_absent),
      key_size_(static_cast<std::uint16_t>(from.key.size())) {}

stored_entry::pointer stored_entry::make(new_entry from) {
  if (from.key.size() > std::numeric_limits<std::uint16_t>::max()) {
    throw std::length_error("weir: a key has more than 65,535 bytes");
  }
  if (from.value.size() > std::numeric_limits<std::uint32_t>::max() / 2) {
    throw std::length_error("weir: a value to be kept has 2 GiB or more");
  }
  std::uint8_t extras = 0;
  if (from.meta) extras |= has_meta;
  if (from.value.is_shared()) extras |= has_shared_value;
  if (from.has_own_ttl) extras |= own_ttl;
  const auto small_size = from.value.is_shared() ? 0 : from.value.size();
  const auto padded_size = bytes::padded(small_size);
  const auto text_at = extra_size(extras);
  const auto size = sizeof(stored_entry) + text_at + from.key.size() + padded_size;
  auto* place = std::malloc(size);
  if (place == nullptr) throw std::bad_alloc();

  pointer made(new (place) stored_entry(from));
  made->extras_ = extras;
  made->text_at_ = static_cast<std::uint8_t>(text_at);
  made->small_size_ = static_cast<std::uint8_t>(small_size);
  auto charge = malloc_usable_size(place) + block_overhead + index_share;
  if (from.value.is_shared()) charge += estimated_cost(from.value.heap_size());
  made->charge = static_cast<std::uint32_t>(charge);

  auto* text = made->behind() + text_at;
  std::memcpy(text, from.key.data(), from.key.size());
  auto* value = text + from.key.size();
  if (small_size != 0) std::memcpy(value, from.value.data(), small_size);
  std::memset(value + small_size, 0, padded_size - small_size);
  if (extras & has_meta) new (made->meta_place()) meta_pointer(std::move(from.meta));
  if (extras & has_shared_value) new (&made->value_block()) void*(from.value.give_up());
  return made;
}

stored_entry::~stored_entry() {
  if (extras_ & has_shared_value) bytes::adopt(value_block());
  if (extras_ & has_meta) meta_place()->~meta_pointer();
}

void stored_entry::deleter::operator()(stored_entry* entry) const noexcept {
  entry->~stored_entry();
  std::free(entry);
}

void entry_list::clear() noexcept {
  while (first_ != nullptr) {
    const stored_entry::pointer gone(std::exchange(first_, first_->newer));
  }
}

}  // namespace weir
