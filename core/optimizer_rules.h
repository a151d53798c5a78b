// The formulas of the optimizers, for one element. Plain code that host and device compilers read alike; double instead of
// float is for tests.
//
// A rule says which way a parameter goes, before the learning rate. It is a type with the number of its states, and a
// function from the gradient g and the parameter p to the direction, which brings the states up to date. A new one is added
// here and to dispatch_rule, and gets its row in the table of nn/optimizer.cpp.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/on_device.h"

namespace gradus {

struct RuleNumbers {
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;
  float weight_decay = 0;
};

// What an update knows beside its element.
template <typename T>
struct RuleContext {
  T beta1, beta2, eps;
  T factor1, factor2;  // 1 / correction1 and 1 / correction2 of the step
  T weight_decay;      // of the element's tensor

  GRADUS_ON_DEVICE RuleContext(const RuleNumbers& n, float correction1, float correction2, bool decays)
      : beta1(n.beta1),
        beta2(n.beta2),
        eps(n.eps),
        factor1(1 / T(correction1)),
        factor2(1 / T(correction2)),
        weight_decay(decays ? T(n.weight_decay) : T(0)) {}
};

// m / correction1 / (sqrt(v / correction2) + eps) + weight_decay p, with moments of the gradient m and v, decay beside the
// moments (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; with trust ratios it is LAMB's, You et al. 2020,
// arXiv:1904.00962, algorithm 2).
struct AdamRule {
  static constexpr int states = 2;
  template <typename T>
  GRADUS_ON_DEVICE static T direction(T g, T p, T& m, T& v, const RuleContext<T>& c) {
    m = c.beta1 * m + (1 - c.beta1) * g;
    v = c.beta2 * v + (1 - c.beta2) * g * g;
    return m * c.factor1 / (std::sqrt(v * c.factor2) + c.eps) + c.weight_decay * p;
  }
};

// a, with a = beta1 a + g + weight_decay p (Polyak 1964, in the form of PyTorch's SGD and MindSpore's Momentum).
struct MomentumRule {
  static constexpr int states = 1;
  template <typename T>
  GRADUS_ON_DEVICE static T direction(T g, T p, T& a, const RuleContext<T>& c) {
    a = c.beta1 * a + (g + c.weight_decay * p);
    return a;
  }
};

enum class UpdateRule : uint8_t { adam, momentum };

// Calls f with the rule's type as an object.
template <typename F>
void dispatch_rule(UpdateRule rule, F&& f) {
  switch (rule) {
    case UpdateRule::adam:
      return f(AdamRule{});
    case UpdateRule::momentum:
      return f(MomentumRule{});
  }
}

// LAMB's factor of a tensor: the norm of its values over that of its direction, 1 where either is 0, at most `limit`.
template <typename T>
GRADUS_ON_DEVICE inline T trust_ratio(T parameter_norm, T direction_norm, T limit) {
  if (!(parameter_norm > 0) || !(direction_norm > 0)) return 1;
  const T ratio = parameter_norm / direction_norm;
  return ratio < limit ? ratio : limit;
}

// The factor that brings a gradient's norm down to `limit`; the 1e-6 is that of PyTorch's clip_grad_norm_ (Pascanu et al.
// 2013).
GRADUS_ON_DEVICE inline float clip_factor(double norm, float limit) {
  const double factor = static_cast<double>(limit) / (norm + 1e-6);
  return static_cast<float>(factor < 1 ? factor : 1);
}

}  // namespace gradus
