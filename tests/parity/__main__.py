"""python -m tests.parity [--cap N] [NAME ...]: compare, print the table and the failures, write PARITY.md.

With names (of operators, as `add` or `linalg.norm`) only those are run, every failing sample is shown, and nothing
is written."""

import argparse
import sys

from .report import PAGE, Results, page, reasons, table
from .runs import outcomes


def main(argv):
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--cap", type=int, default=40, help="samples of each operator and dtype at most; 0 for all")
    parser.add_argument("--failures", metavar="FILE", help="also write the list of failures there")
    args = parser.parse_args(argv)
    results = Results(outcomes(args.names, args.cap or None))
    if args.names:
        for o in results.outcomes:
            if o.why:
                print(f"{o.op} {o.how} {o.dtype} {o.number}: {o.why}   [{o.sample}]")
        print(table(results))
        return
    failures = "\n".join(reasons(results.outcomes))
    if args.failures:
        with open(args.failures, "w", encoding="utf-8") as file:
            print(table(results), failures, sep="\n\n", file=file)
    print(failures, table(results), sep="\n\n")
    PAGE.write_text(page(results), encoding="utf-8")


main(sys.argv[1:])
