// The folders in which the Hugging Face hub's programs keep what they have downloaded.
#pragma once

#include <string>

namespace gradus {

// The files of a model that the hub's cache keeps in the folder `path`, models--ORG--NAME: the snapshot that its refs/main
// names, or the only one there is. Any other path stays as it is. Throws Error naming the folder when that snapshot is
// not there, or when there are several and nothing names one.
// Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
std::string hub_snapshot(const std::string& path);

}  // namespace gradus
