// The rows of the table of record formats: each is written in data/<format>_dataset.cpp.
#pragma once

#include "data/dataset.h"

namespace gradus {

RecordFormat mind_record_format();
RecordFormat tf_record_format();

}  // namespace gradus
