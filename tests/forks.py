"""Short lives of the product's code, each in a process of its own that may be killed: forks of one that has loaded all of it.
To load it anew for each takes seconds of a core."""

import json
import subprocess
import sys
from dataclasses import dataclass

from tests import processes

# Nothing is connected yet when it forks: each opens what it needs, as any process that has just begun.
_LOADED = """
import json, os, sys, tempfile, traceback
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns

def live(argument):
    sys.argv[1:] = [argument]
    try:
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

told = json.load(sys.stdin)
code, ends = compile(told["code"], "<a short life>", "exec"), []
for argument, given in told["lives"]:
    with tempfile.TemporaryFile() as taken, tempfile.TemporaryFile() as said:
        taken.write(given.encode("latin-1"))
        taken.seek(0)
        if not (pid := os.fork()):
            for file, number in ((taken, 0), (said, 1), (said, 2)):
                os.dup2(file.fileno(), number)
            sys.stdin = open(0, closefd=False)
            live(argument)
        _pid, status = os.waitpid(pid, 0)
        said.seek(0)
        ends.append([os.waitstatus_to_exitcode(status), said.read().decode(errors="replace")])
print(json.dumps(ends))
"""


@dataclass(frozen=True)
class End:
    """How one of them ended, a signal as a negative number, and what it said until then."""

    code: int
    said: str


def lives(code: str, given: dict[str, bytes], seconds: float = 300) -> dict[str, End]:
    """Run `code` once for each, one after the other, with its name as argument and its bytes on the standard input."""
    told = {"code": code, "lives": [(name, raw.decode("latin-1")) for name, raw in given.items()]}
    done = subprocess.run(
        [sys.executable, "-c", _LOADED],
        input=json.dumps(told),
        env=processes.environment(),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {name: End(*end) for name, end in zip(given, json.loads(done.stdout), strict=True)}
