#!/usr/bin/env python3
"""Times two commands against each other on a machine whose speed changes while they run.

Both run at once, but only one is awake at any moment: they are stopped and continued in turn (SIGSTOP, SIGCONT), so that
whatever slows the machine down slows both. A command's time is the time that it was awake. Commands start no processes of
their own; both have to fit into memory together.

  usage:   in_turns.py [--rounds N] [--slice SECONDS] FIRST SECOND
  example: in_turns.py --rounds 4 'old/tasks/run_ner --do_train ...' 'new/tasks/run_ner --do_train ...'
"""
import argparse
import shlex
import signal
import statistics
import subprocess
import sys
import time


def start(command):
    process = subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.send_signal(signal.SIGSTOP)
    return process


def awake_seconds(commands, order, slice_seconds):
    """Seconds that each of `commands` needed awake; `order` says whose turn comes first."""
    processes = [start(command) for command in commands]
    awake = [0.0] * len(commands)
    running = list(order)
    try:
        while running:
            for number in list(running):
                process = processes[number]
                begin = time.monotonic()
                process.send_signal(signal.SIGCONT)
                try:
                    process.wait(slice_seconds)
                    running.remove(number)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGSTOP)
                awake[number] += time.monotonic() - begin
    finally:
        for number in running:
            processes[number].kill()
    for command, process in zip(commands, processes):
        if process.returncode != 0:
            sys.exit(f"error: exit status {process.returncode} of: {command}")
    return awake


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4, help="an even number, since going first may help or harm (default 4)")
    parser.add_argument("--slice", type=float, default=0.5, help="seconds of a turn (default 0.5)")
    parser.add_argument("first")
    parser.add_argument("second")
    options = parser.parse_args()
    ratios = []
    for number in range(options.rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        first, second = awake_seconds((options.first, options.second), order, options.slice)
        ratios.append(first / second)
        print(f"{first:.2f} s, {second:.2f} s: {ratios[-1]:.3f}", flush=True)
    print(f"median of the ratios: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
