"""Becomes a program that reads an untrusted file: limits and confines this process first (`program.py` starts it).

The program runs under the same restrictions as the jobs of a worker process: it reads the file and its own libraries,
writes to one folder, and starts, signals and connects to nothing. A Python module runs in this process.
"""

import argparse
import os
import runpy
import signal
import sys
from pathlib import Path

from docstore_contents.workers.process import allow_processor_seconds, limit_process
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable, confine

NOT_CONFINED = 97
"""Exit status if the program was not started; stderr has the reason."""

_NICER = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True, help="process id of the parent")
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--file-mb", type=int, required=True)
    parser.add_argument("--cpu-seconds", type=int, required=True)
    parser.add_argument("--readable", type=Path, action="append", required=True)
    parser.add_argument("--writable", type=Path, required=True)
    parser.add_argument("--may-make-folders", action="store_true")
    parser.add_argument("--allow-weak-sandbox", action="store_true")
    parser.add_argument("--module", action="store_true", help="`program` is the name of a Python module")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    limit_process(parent=options.parent, memory_mb=options.memory_mb, file_mb=options.file_mb)
    os.nice(_NICER)  # it may take minutes
    allow_processor_seconds(options.cpu_seconds)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and the program would, too
        signal.signal(ignored, signal.SIG_DFL)
    try:
        confine(
            options.readable,
            options.writable,
            allow_weak=options.allow_weak_sandbox,
            program=None if options.module else Path(options.program),
            may_make_folders=options.may_make_folders,
        )
    except SandboxUnavailable as error:
        sys.stderr.write(str(error))
        sys.exit(NOT_CONFINED)
    command = [options.program, *options.arguments]
    if options.module:
        sys.argv[:] = command
        runpy.run_module(options.program, run_name="__main__")
    else:
        os.execv(options.program, command)


if __name__ == "__main__":
    main()
