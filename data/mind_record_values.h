// How a MindRecord file stores the values of a row, for its reader and its writer: arrays, packed integers, and the
// raw part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/mind_record.h"

namespace gradus::mind_record {

// The shape of an array of `count` values: that of its column, with the size that -1 has here. False, and `shape` is
// of no use, when no size of that dimension fits.
bool resolve_shape(const std::vector<int64_t>& column_shape, int64_t count, std::vector<int64_t>& shape);

// u32be count, two bits of width code for each number, and the numbers, in 1, 2, 4 or 8 bytes.
std::string pack_integers(const std::vector<int64_t>& values);
// Throws Error "<where>: ..." when the bytes are not exactly that, and for numbers that are no int32 when `narrow`.
void unpack_integers(std::string_view bytes, bool narrow, std::vector<int64_t>& values,
                     std::string_view where);

// Bytes of the numbers of an array as they are: little-endian, `width` bytes each.
void append_plain(const MindRecordColumn& column, const MindRecordValue& value, std::string& out);
void read_plain(const MindRecordColumn& column, std::string_view bytes, MindRecordValue& value,
                std::string_view where);

// The raw part: a msgpack map of the columns that are not blobs.
std::string raw_part(const std::vector<MindRecordColumn>& columns, const MindRecordRow& row);
// Fills the values of the columns that are not blobs. Throws Error "<where>: ..." on what is no msgpack, a column
// that is missing, and a value that is not of the column's type.
void read_raw_part(std::string_view bytes, const std::vector<MindRecordColumn>& columns, MindRecordRow& row,
                   std::string_view where);

}  // namespace gradus::mind_record
