#include <weir/engine/bytes.hpp>

#include <new>

namespace weir {

char* bytes::reserve(std::size_t size) {
  if (size <= inline_capacity) {
    content_.set_size(size);
    return content_.data;
  }
  auto* made = new (::operator new(sizeof(shared_block) + size)) shared_block;
  made->size = size;
  std::memcpy(content_.data, &made, sizeof made);
  content_.set_size(shared_mark);
  return made->data();
}

void bytes::destroy() noexcept {
  auto* gone = block();
  gone->~shared_block();
  ::operator delete(gone);
}

}  // namespace weir
