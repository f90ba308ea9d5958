#include <weir/engine/bytes.hpp>

#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace weir {
namespace {

// A block of fewer pages would waste more than an eighth of the last one on average.
constexpr std::size_t min_pages = 8;

// Of the 65,530 mappings that Linux grants a process, stacks and others need some.
constexpr std::uint32_t max_mappings = 16'384;

// Process-wide as is the limit that it keeps.
std::atomic<std::uint32_t> mappings{0};

#ifdef __SANITIZE_ADDRESS__
constexpr bool may_map = false;  // it watches what operator new gives
#else
constexpr bool may_map = true;
#endif

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

/// Null where operator new should do.
void* map_pages(std::size_t size) noexcept {
  if (!may_map || size < min_pages * page_size()) return nullptr;
  if (mappings.fetch_add(1, std::memory_order_relaxed) < max_mappings) {
    constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    auto* place = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, how, -1, 0);
    if (place != MAP_FAILED) return place;
  }
  mappings.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

void unmap_pages(void* place, std::size_t size) noexcept {
  // Fails where it would cut one mapping into two and the process has no more: then the memory goes
  // and the addresses stay.
  if (::munmap(place, size) != 0) ::madvise(place, size, MADV_DONTNEED);
  mappings.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace

char* bytes::reserve(std::size_t size) {
  if (size <= inline_capacity) {
    content_.set_size(size);
    return content_.data;
  }
  const auto whole = sizeof(shared_block) + size;
  const auto pages = (whole + page_size() - 1) / page_size();
  auto* mapped = map_pages(whole);
  auto* made = new (mapped != nullptr ? mapped : ::operator new(whole)) shared_block;
  if (mapped != nullptr) made->pages = static_cast<std::uint32_t>(pages);
  made->size = size;
  // NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer itself
  std::memcpy(content_.data, &made, sizeof made);
  content_.set_size(shared_mark);
  return made->data();
}

std::size_t bytes::heap_size() const noexcept {
  if (!is_shared()) return 0;
  const auto& held = *block();
  return held.pages != 0 ? held.pages * page_size() : sizeof(shared_block) + held.size;
}

void bytes::destroy() noexcept {
  auto* gone = block();
  const std::size_t pages = gone->pages;
  gone->~shared_block();
  if (pages != 0) return unmap_pages(gone, pages * page_size());
  ::operator delete(gone);
}

}  // namespace weir
