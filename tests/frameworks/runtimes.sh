#!/bin/sh
# Runs export_checks.py with the Python of $GRADUS_RUNTIMES, an environment with ONNX Runtime or OpenVINO or both; status 77 when that is
# not set.
#   usage: GRADUS_RUNTIMES=FOLDER GRADUS_PROGRAMS=BUILD/tasks sh tests/frameworks/runtimes.sh MODEL_OUTPUTS [CHECK]
exec sh "$(dirname -- "$0")/with_python.sh" GRADUS_RUNTIMES \
  'a runtime (python3 -m venv FOLDER; FOLDER/bin/pip install numpy onnx onnxruntime openvino)' export_checks.py "$@"
