// The scores that a model gives have to be numbers before anything is concluded from them.
#pragma once

#include <functional>
#include <span>
#include <string>

namespace gradus {

// Throws Error when one of an example's scores is infinite or not a number: the largest of such scores would be any.
// `where` names the example.
void check_finite_scores(std::span<const float> scores, const std::function<std::string()>& where);

}  // namespace gradus
