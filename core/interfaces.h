// What programs and the modules that they open have to agree on.
#pragma once

#include "core/backend.h"
#include "core/communicator.h"
#include "core/onnx_session.h"
