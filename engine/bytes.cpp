#include <weir/engine/bytes.hpp>

#include <new>

namespace weir {

char* bytes::reserve(std::size_t size) {
  if (size <= inline_capacity) {
    size_ = static_cast<unsigned char>(size);
    return data_;
  }
  auto* made = new (::operator new(sizeof(shared_block) + size)) shared_block;
  made->size = size;
  std::memcpy(data_, &made, sizeof made);
  size_ = shared_mark;
  return made->data();
}

void bytes::destroy() noexcept {
  auto* gone = block();
  gone->~shared_block();
  ::operator delete(gone);
}

}  // namespace weir
