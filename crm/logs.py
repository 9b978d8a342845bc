"""Log lines for machines: one JSON object each, and never what an exception says, for that may be about a person."""

import traceback
from typing import Any

from pythonjsonlogger.json import JsonFormatter


class JsonLine(JsonFormatter):
    """Keeps where an exception came from and its class; leaves its message out (`Key (value)=(ana@…) already exists`)."""

    def formatException(self, ei: Any) -> str:
        kind, error, _frames = ei
        chain = []
        while error is not None:
            frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
            chain.append(" < ".join([type(error).__name__, *reversed(frames)]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return " | caused by ".join(chain) or str(kind)
