#!/usr/bin/env python3
"""What k processes that train together reach, from what one was measured to take: a model in a few lines.

A step takes its forward and backward pass, the update, and what of the sums of gradients is left when the backward pass ends.
A sum of n bytes goes round a ring of k in 2 (k - 1) / k n / bandwidth + 2 (k - 1) latency. The ranges of the gradients are
summed one after the other, each as soon as it is complete; the last one, which holds the table of words, is complete when the
backward pass ends, so nothing hides it.

  usage:   scaling.py --forward MS --backward MS --update MS --megabytes MB --last_megabytes MB
                      [--gbit GBIT] [--latency_us US] [--processes 1,2,8,64,1024]
  example: scaling.py --forward 900 --backward 1800 --update 60 --megabytes 116 --last_megabytes 63 --gbit 1
"""
import argparse


def ring_ms(megabytes, processes, gbit, latency_us):
    seconds = 2 * (processes - 1) / processes * megabytes * 8e6 / (gbit * 1e9) + 2 * (processes - 1) * latency_us * 1e-6
    return 1000 * seconds


def step_ms(options, processes):
    """Milliseconds of a step, of its sums, and of those that nothing hides."""
    if processes == 1:
        return options.forward + options.backward + options.update, 0.0, 0.0
    early = options.megabytes - options.last_megabytes
    ranges = max(1, round(early / options.range_megabytes))
    # Complete evenly over the backward pass, each summed when it and the one before it are.
    clock = 0.0
    one = ring_ms(early / ranges, processes, options.gbit, options.latency_us)
    for number in range(1, ranges + 1):
        clock = max(clock, options.backward * number / ranges) + one
    last = ring_ms(options.last_megabytes, processes, options.gbit, options.latency_us)
    exposed = max(clock, options.backward) - options.backward + last
    return options.forward + options.backward + exposed + options.update, ranges * one + last, exposed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("forward", "backward", "update", "megabytes", "last_megabytes"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--range_megabytes", type=float, default=25)
    parser.add_argument("--gbit", type=float, default=10)
    parser.add_argument("--latency_us", type=float, default=50)
    parser.add_argument("--processes", default="1,2,8,64,1024")
    options = parser.parse_args()
    alone, _, _ = step_ms(options, 1)
    print("processes  step ms  sums ms  left over ms  efficiency  times one")
    for processes in map(int, options.processes.split(",")):
        step, sums, exposed = step_ms(options, processes)
        efficiency = alone / step
        print(f"{processes:9d}  {step:7.0f}  {sums:7.0f}  {exposed:12.0f}  {efficiency:10.3f}  {processes * efficiency:9.1f}")


if __name__ == "__main__":
    main()
