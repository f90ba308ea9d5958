#include <weir/engine/slot.hpp>

#include <array>
#include <cstddef>

namespace weir {

namespace {

constexpr std::size_t stride = 8;
using crc_table = std::array<std::array<std::uint16_t, 256>, stride>;

// crc_tables[n][b]: the remainder of byte b followed by n zero bytes ("slicing-by-8", Kounavis and
// Berry, 2005), so that eight bytes take eight independent look-ups.
constexpr crc_table make_crc_tables() {
  crc_table tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021u : 0u);
    tables[0][byte] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t zeros = 1; zeros < stride; ++zeros) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const unsigned crc = tables[zeros - 1][byte];
      tables[zeros][byte] = static_cast<std::uint16_t>((crc << 8) ^ tables[0][crc >> 8]);
    }
  }
  return tables;
}

constexpr crc_table crc_tables = make_crc_tables();

std::uint16_t slot_of_crc(std::uint16_t crc) noexcept {
  return crc % slot_count;
}

}  // namespace

std::uint16_t crc16(std::string_view text, std::uint16_t crc) noexcept {
  const auto& t = crc_tables;
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t left = text.size();
  for (; left >= stride; left -= stride, p += stride) {
    crc = t[7][p[0] ^ (crc >> 8)] ^ t[6][p[1] ^ (crc & 0xff)] ^ t[5][p[2]] ^ t[4][p[3]] ^
          t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
  }
  for (; left > 0; --left, ++p) {
    crc = static_cast<std::uint16_t>((crc << 8) ^ t[0][(crc >> 8) ^ *p]);
  }
  return crc;
}

std::uint16_t slot_of(std::string_view full) noexcept {
  if (const auto open = full.find('{'); open != std::string_view::npos) {
    const auto close = full.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      full = full.substr(open + 1, close - open - 1);
    }
  }
  return slot_of_crc(crc16(full));
}

std::uint16_t slot_of(std::string_view keyspace, std::string_view key) noexcept {
  constexpr auto npos = std::string_view::npos;
  const auto whole = [&] { return slot_of_crc(crc16(key, crc16(":", crc16(keyspace)))); };

  if (const auto open = keyspace.find('{'); open != npos) {
    const auto tag = keyspace.substr(open + 1);
    if (const auto close = tag.find('}'); close != npos) {
      return close == 0 ? whole() : slot_of_crc(crc16(tag.substr(0, close)));
    }
    const auto close = key.find('}');
    if (close == npos) return whole();
    return slot_of_crc(crc16(key.substr(0, close), crc16(":", crc16(tag))));
  }

  const auto open = key.find('{');
  if (open == npos) return whole();
  const auto tag = key.substr(open + 1);
  const auto close = tag.find('}');
  if (close == npos || close == 0) return whole();
  return slot_of_crc(crc16(tag.substr(0, close)));
}

}  // namespace weir
