"""Reads files one after another as C++ would, and says what came of each: a program of its own, since a reader's C code may crash.

    python hostile_reader.py MEGABYTES <FILES      each line "READER FILE"; prints for each file "begin FILE" and then
                                                   "rows N", "refused TEXT" or "wrong TEXT"
"""

import importlib
import resource
import signal
import sys

SECONDS = 20  # a file, after which the program is ended by SIGALRM


def outcome(reader, path):
    from ophion.errors import DataError

    try:
        rows = 0
        for tree in reader.trees(path)[:5]:
            columns = reader.describe(path, tree)["columns"]
            names = [name for name, _, numeric in columns if numeric]
            if not names:
                continue
            for chunk in reader.open(path, tree, names):
                lengths = {len(array) for array in chunk.values()}
                if list(chunk) != names or len(lengths) != 1 or not all(array.dtype.isnative for array in chunk.values()):
                    return f"wrong chunk of {list(chunk)} with lengths {lengths}"
                for array in chunk.values():
                    array.sum()  # every byte of it can be read
                rows += lengths.pop()
        return f"rows {rows}"
    except DataError as error:
        text = " ".join(str(error).split())
        return f"refused {text}" if path in text else f"wrong error without the file: {text}"
    except MemoryError as error:
        # ROOT's baskets say how large they become; that is believed as far as the memory goes.
        fair = path in str(error) and path.endswith(".root")
        return f"refused {error}" if fair else f"wrong use of memory: {error}"
    except Exception as error:
        return f"wrong {type(error).__name__}: {error}"


def main():
    files = [line.rstrip("\n").split(" ", 1) for line in sys.stdin]
    readers = {name: importlib.import_module(f"ophion.readers.{name}_reader") for name, _ in files}
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + int(sys.argv[1]) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for name, path in files:
        print("begin", path, flush=True)
        signal.alarm(SECONDS)
        print(outcome(readers[name], path), flush=True)
    signal.alarm(0)


main()
