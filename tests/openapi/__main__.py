"""Asks a running demonstration city everything its document describes, and checks every answer against the document.

    python tests/openapi http://127.0.0.1:8080 accounts.json [--seed 7] [--size 6]

First the acts: each operation as a person or program does it with success (acts.py). Then requests made up from the document
(generated.py). Fails where an answer is none of the document's or a 5xx, and for each operation that never succeeded. The city
should be new, and its limits of rate lifted (RATE_CLIENT=0 RATE_ADDRESS=0): else 429 would be most of what comes."""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import schemathesis

from acts import Acts
from city import City, document
from generated import NOT_CHECKED, NOT_DONE, Run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="where the city's gateway is")
    parser.add_argument("accounts", type=Path, help="the demonstration's accounts, as `qingtian demo --accounts` keeps them")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes up the same requests")
    parser.add_argument("--size", type=int, default=6, help="random requests of each kind an operation gets; 0: acts alone")
    arguments = parser.parse_args()
    url = arguments.url.rstrip("/")
    schema = schemathesis.openapi.from_dict(document(url))
    schema.config.update(base_url=url)
    city = City(url, json.loads(arguments.accounts.read_text()), schema)

    began = time.monotonic()
    Acts(city).perform()
    acts = sum(sum(statuses.values()) for statuses in city.tally.statuses.values())
    print(f"acts: {acts} requests, {time.monotonic() - began:.0f} s")
    missing = [label for label in city.tally.without_success() if label not in NOT_DONE]
    if arguments.size and not missing:
        began = time.monotonic()
        run = Run(city, arguments.seed, arguments.size, sys.stdout)
        took = f"{time.monotonic() - began:.0f} s, --seed {arguments.seed}"
        print(f"generated: {run.requests} requests, {run.checks} checks, {took}")
        for check, why in NOT_CHECKED.items():
            print(f"not checked: {check}, as {why}")
    for label, why in NOT_DONE.items():
        print(f"not done: {label}, as {why}")
    table(city.tally)
    for (label, problem), sample in city.problems.items():
        print(f"WRONG {label}\n    {problem}".replace("\n", "\n    ") + (f"\n    {sample}" if sample else ""))
    for label in missing:
        print(f"NEVER SUCCEEDED {label}")
    if city.problems or missing:
        sys.exit(f"{len(city.problems)} answers are not as the document says; {len(missing)} operations never succeeded")


def table(tally):
    """How often each operation answered what."""
    width = max(map(len, tally.statuses))
    total = Counter()
    for label, statuses in sorted(tally.statuses.items()):
        total.update(statuses)
        print(f"{label:<{width}}  {told(statuses)}")
    print(f"{len(tally.statuses)} operations, {sum(total.values())} answers: {told(total)}")


def told(statuses):
    return ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))


main()
