"""What a decision keeps. Facts: JSON, with the type beside a value where JSON has none. Reasons that many candidates share: said
once, with a bit for each version it is said of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from customers.conditions import Money


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON keeps them, each with its type where JSON has none."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"money": [str(value.amount), value.currency]}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if hasattr(value, "isoformat"):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if isinstance(value, (set, frozenset)):
        return {"set": sorted(value)}
    if isinstance(value, list):
        return [plain(row) for row in value]
    return value


def rich(values: Mapping[str, Any]) -> dict[str, Any]:
    """The facts again."""
    return {name: _rich(value) for name, value in values.items()}


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return [rich(row) for row in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    return _RICH[kind](held)


_RICH: dict[str, Callable[[Any], Any]] = {
    "money": lambda held: Money(Decimal(held[0]), held[1]),
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "number": Decimal,
    "set": frozenset,
}


# --- which of many versions


def runs(versions: Sequence[int]) -> str:
    """Versions in their order, what follows one upon the other as a run: "3-7,12,9"."""
    found: list[list[int]] = []
    for version in versions:
        if found and version == found[-1][1] + 1:
            found[-1][1] = version
        else:
            found.append([version, version])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in found)


def versions(runs: str) -> Iterator[int]:
    """Those versions again."""
    for run in runs.split(",") if runs else ():
        low, _dash, high = run.partition("-")
        yield from range(int(low), int(high or low) + 1)
