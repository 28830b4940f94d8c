#include "train/schedule.h"

namespace selfgrad {

double learning_rate(const ScheduleOptions& options, double peak, int64_t step, int64_t steps) {
  const double progress = (static_cast<double>(step) + 0.5) / static_cast<double>(steps);
  switch (options.kind) {
    case ScheduleOptions::Kind::kOneCycle: {
      if (progress < options.warmup) return peak * progress / options.warmup;
      const double fall = (progress - options.warmup) / (1.0 - options.warmup);
      return peak * (1.0 - fall * (1.0 - options.final_fraction));
    }
    case ScheduleOptions::Kind::kStep: {
      double rate = peak;
      for (const double milestone : options.milestones)
        if (progress >= milestone) rate *= options.factor;
      return rate;
    }
    case ScheduleOptions::Kind::kConstant:
      break;
  }
  return peak;
}

}  // namespace selfgrad
