#!/bin/sh
# Writes a header that defines GRADUS_BACKEND_INTERFACE, a checksum of core/interfaces.h and all of the project that it
# includes, and lists these files for ninja: when one of them changes, so does the version of every module.
#   usage: sh interface_version.sh HEADER DEPENDENCIES SOURCE_FOLDER COMPILER...
set -eu
header=$1 dependencies=$2 top=$3
shift 3
"$@" -std=c++20 -I"$top" -MM -MT "$header" -MF "$dependencies" "$top/core/interfaces.h"
files=$(sed -e "s/^[^:]*: //" -e "s/\\\\$//" "$dependencies")
version=$(printf '%s\n' "$files" | xargs cat | sha256sum | cut -c 1-16)
printf '#define GRADUS_BACKEND_INTERFACE "%s"\n' "$version" >"$header"
