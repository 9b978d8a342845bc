"""zen-engine's decision table, in an environment and a process of its own: an order a line, an answer a line.

A table is compiled once and asked through its loader, which is the quickest way it has (asking a decision that was made from
text reads that text each time)."""

import json
import sys
import time

import zen


def main() -> None:
    tables = {}
    engine = zen.ZenEngine({"loader": lambda key: tables[key]})
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["do"] == "table":
                tables[order["name"]] = zen.ZenDecisionContent(json.dumps(order["table"]))
                answer = {}
            else:
                answer = asked(engine, order["name"], order["questions"])
        except Exception as error:  # noqa: BLE001 - the benchmark says it
            answer = {"error": f"{type(error).__name__}: {error}"[:400]}
        print(json.dumps(answer), flush=True)


def asked(engine, name, questions):
    began = time.perf_counter()
    found = [engine.evaluate(name, question) for question in questions]
    took = time.perf_counter() - began
    return {"seconds": took, "rows": [each["result"].get("row") for each in found]}


main()
