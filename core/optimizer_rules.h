// The formulas of the optimizers, for one element. Plain code that host and device compilers read alike; double instead of
// float is for tests.
#pragma once

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define GRADUS_ON_DEVICE __host__ __device__
#else
#define GRADUS_ON_DEVICE
#endif

namespace gradus {

// Which way a parameter goes, before the learning rate.
enum class UpdateRule : uint8_t {
  // m / correction1 / (sqrt(v / correction2) + eps) + weight_decay p, with moments of the gradient m and v, decay beside
  // the moments (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2; with trust ratios it is LAMB's, You et al. 2020,
  // arXiv:1904.00962, algorithm 2).
  adam,
  // a, with a = beta1 a + g + weight_decay p (Polyak 1964, in the form of PyTorch's SGD and MindSpore's Momentum).
  momentum,
};

constexpr int state_count(UpdateRule rule) { return rule == UpdateRule::adam ? 2 : 1; }

struct RuleNumbers {
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float eps = 1e-8F;
  float weight_decay = 0;
};

// The direction of a parameter `p` with gradient `g`; its states are brought up to date. `factor1` and `factor2` are
// 1 / correction1 and 1 / correction2.
template <typename T>
GRADUS_ON_DEVICE inline T adam_direction(T g, T p, T& m, T& v, const RuleNumbers& n, T factor1, T factor2,
                                         T weight_decay) {
  m = T(n.beta1) * m + (1 - T(n.beta1)) * g;
  v = T(n.beta2) * v + (1 - T(n.beta2)) * g * g;
  return m * factor1 / (std::sqrt(v * factor2) + T(n.eps)) + weight_decay * p;
}

template <typename T>
GRADUS_ON_DEVICE inline T momentum_direction(T g, T p, T& a, const RuleNumbers& n, T weight_decay) {
  a = T(n.beta1) * a + (g + weight_decay * p);
  return a;
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
