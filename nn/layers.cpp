#include "nn/layers.h"

#include <algorithm>

namespace gradus {
namespace {

std::vector<std::string> with_suffix(const std::vector<std::string>& names, std::string_view suffix) {
  std::vector<std::string> result;
  for (const std::string& name : names) result.push_back(fmt::format("{}.{}", name, suffix));
  return result;
}

}  // namespace

LayerNorm::LayerNorm(const Scope& scope, int64_t size, float eps)
    : weight(scope.add("weight", {size}, Init::constant(1))),
      bias(scope.add("bias", {size}, Init::constant(0))),
      eps(eps) {}

Linear::Linear(const Scope& scope, int64_t in, int64_t out, float deviation)
    : weight(scope.add("weight", {out, in}, Init::truncated_normal(deviation), Precision::product)),
      bias(scope.add("bias", {out}, Init::constant(0))) {}

Linear::Linear(const Scope& scope, const std::vector<std::string>& names, int64_t in, int64_t out,
               float deviation)
    : weight(scope.add_stacked(with_suffix(names, "weight"), {out, in}, Init::truncated_normal(deviation),
                               Precision::product)),
      bias(scope.add_stacked(with_suffix(names, "bias"), {out}, Init::constant(0))) {}

Linear::Linear(const Scope& scope, int64_t in, int64_t out, Init init)
    : weight(scope.add("weight", {out, in}, init)), bias(scope.add("bias", {out}, init)) {}

Embedding::Embedding(const Scope& scope, int64_t rows, int64_t size, float deviation, int64_t padded_rows)
    : weight(scope.add_padded("weight", {rows, size}, std::max(rows, padded_rows), 0,
                              Init::truncated_normal(deviation), Precision::compute)) {}

}  // namespace gradus
