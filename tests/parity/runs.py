"""What there is to run: the operators, modules, optimizers and schedules in scope, one after the other."""

import sys

from . import modules, operators, optimizers


def titles():
    """What `outcomes` takes: an operator, a module, an optimizer or a schedule each."""
    schedules = [f"optim.lr_scheduler.{name}" for name in optimizers.SCHEDULES]
    return [*operators.operators(), *modules.modules(), *optimizers.optimizers(), *schedules]


def outcomes(names=(), cap=None):
    found = []
    for title in titles():
        if not names or title in names or title.partition("/")[0] in names:
            if sys.stderr.isatty():
                print(f"\r{title:60}", end="", file=sys.stderr)
            found += run(title, cap)
    return found


def run(title, cap):
    if title in operators.operators():
        return operators.run(operators.operators()[title], cap)
    if title in modules.modules():
        return modules.run(title, cap)
    if title in optimizers.optimizers():
        return optimizers.run(title, cap)
    return optimizers.run_schedule(title.rpartition(".")[2], cap)
