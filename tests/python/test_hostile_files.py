"""Damaged and hostile files: readers give an error that names the file or a result, and never crash, hang or eat the memory.

Every file is a seed with a few changes drawn from a generator with a fixed seed, so a failure comes again. OPHION_SLOW_TESTS=1
tries many more of them, with seeds that OPHION_FUZZ_SEED moves.
"""

import gzip
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT

SLOW = os.environ.get("OPHION_SLOW_TESTS") == "1"
COUNT = 2000 if SLOW else 40
MOST = 400  # files a process: its libraries' address space grows
MEGABYTES = 512  # beyond what the reader's imports take; the files are a few kB

EVENTS = {"event": np.arange(40, dtype=np.int64), "pt": np.linspace(0, 1, 40, dtype=np.float32)}
PAIRS = np.arange(80, dtype=np.float64).reshape(40, 2)


def npy(path):
    events = np.zeros(40, [("event", "<i8"), ("pt", "<f4", (2,))])
    np.save(path, events)


def matrix(path):
    np.save(path, np.asfortranarray(PAIRS))


def npz(path):
    np.savez_compressed(path, **EVENTS, pairs=PAIRS)


def csv_text():
    return "# made for a test\nevent,pt\n" + "".join(f"{a},{b}\n" for a, b in zip(EVENTS["event"], EVENTS["pt"], strict=True))


def csv(path):
    path.write_text(csv_text())


def csv_gz(path):
    path.write_bytes(gzip.compress(csv_text().encode(), mtime=0))


def parquet(path):
    pairs = pa.FixedSizeListArray.from_arrays(pa.array(PAIRS.ravel()), 2)
    pq.write_table(pa.table({**EVENTS, "pairs": pairs, "name": ["a"] * 40}), path, row_group_size=16)


def hdf5(path):
    with h5py.File(path, "w") as file:
        for name, values in EVENTS.items():
            file.create_dataset(name, data=values, chunks=(16,), compression="gzip", shuffle=True)
        file["group/pairs"] = PAIRS
        file["table"] = np.zeros(40, [("event", "<i8"), ("pt", "<f4")])


def committed(path):
    """ROOT files as uproot wrote them from EVENTS (and PAIRS, as an array branch), since it writes its own time and number in each."""
    shutil.copy(ROOT / "tests" / "fuzz" / "corpus" / "readers" / "seeds" / path.name, path)


SEEDS = {
    "events.npy": ("npy", npy),
    "matrix.npy": ("npy", matrix),
    "events.npz": ("npy", npz),
    "events.csv": ("csv", csv),
    "events.csv.gz": ("csv", csv_gz),
    "events.parquet": ("parquet", parquet),
    "events.h5": ("hdf5", hdf5),
    "events.root": ("root", committed),
    "ntuple.root": ("root", committed),
}


def mutated(content, draw):
    """One to four changes of the kinds that damage and malice make."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data)) if data else 0
        kind = draw.randrange(7)
        if kind == 0 and data:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1 and data:
            data[at] = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:  # a count or an offset gone wild
            width = draw.choice([2, 4, 8])
            number = draw.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, draw.getrandbits(64)])
            data[at : at + width] = (number % 2 ** (8 * width)).to_bytes(width, draw.choice(["little", "big"]))
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            del data[at : at + draw.randint(1, 64)]
        elif kind == 5:
            data[at:at] = data[at : at + draw.randint(1, 64)]
        else:
            begin = draw.randrange(len(data)) if data else 0
            data[at : at + 32] = data[begin : begin + 32]
    return bytes(data)


def outcomes(files):
    """What the reader made of each (reader, path): a process for so many, and a new one for the rest where a file ends it."""
    found = {}
    rest = list(files)
    while rest:
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("hostile_reader.py"), str(MEGABYTES)],
            input="".join(f"{reader} {path}\n" for reader, path in rest[:MOST]),
            capture_output=True,
            text=True,
            errors="backslashreplace",
            env={**os.environ, "PYTHONPATH": str(ROOT / "python_scripts"), "OMP_NUM_THREADS": "1"},
            timeout=3600,
        )
        path = None
        for line in done.stdout.splitlines():
            if line.startswith("begin "):
                path = line.removeprefix("begin ")
                found[path] = f"wrong: ended with {done.returncode}: {done.stderr[-500:]}"
            elif line.startswith(("rows ", "refused ", "wrong ")) and path:
                found[path] = line
        assert path, f"it read nothing: {done.stderr[-2000:]}"
        rest = [(reader, path) for reader, path in rest if str(path) not in found]
    return found


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Per seed the whole file and its mutants, each with what became of it."""
    folder = tmp_path_factory.mktemp("damaged")
    files = {}
    for name, (reader, make) in SEEDS.items():
        good = folder / name
        make(good)
        content = good.read_bytes()
        draw = random.Random(f"{name} {os.environ.get('OPHION_FUZZ_SEED', '1')}")
        files[name] = [(reader, good)]
        for number in range(COUNT):
            path = folder / f"{number}_{name}"
            path.write_bytes(mutated(content, draw))
            files[name].append((reader, path))
    found = outcomes([one for group in files.values() for one in group])
    yield {name: [(str(path), found[str(path)]) for _, path in group] for name, group in files.items()}
    for group in files.values():
        for _, path in group[1:]:
            if not found[str(path)].startswith("wrong"):
                path.unlink()


@pytest.mark.parametrize("name", SEEDS)
def test_a_damaged_file_is_refused_by_name_or_read(name, damaged):
    (_, good), *mutants = damaged[name]
    assert good.startswith("rows ") and int(good.split()[1]) >= 40, good
    wrong = [f"{path}: {what}" for path, what in mutants if what.startswith("wrong")]
    assert not wrong, "\n".join(wrong[:5])
    assert any(what.startswith("refused ") for _, what in mutants), "no change was noticed"


def write_npy_header(path, header):
    text = header.encode() + b" " * (118 - len(header)) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 64)


def npz_bomb(path):
    """Ten GB of zeros in ten MB would do; a header that claims them does it in a few bytes."""
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        write_npy_header(path.with_suffix(".header"), "{'descr': '<f8', 'fortran_order': True, 'shape': (100000, 100000), }")
        archive.writestr("x.npy", path.with_suffix(".header").read_bytes())


CLAIMS = {
    "wide.npy": lambda path: write_npy_header(path, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 10000000000), }"),
    "long.npy": lambda path: write_npy_header(path, "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,), }"),
    "pickle.npy": lambda path: write_npy_header(path, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
    "fields.npy": lambda path: write_npy_header(
        path, "{'descr': [('a', '<f8', (9999999999,))], 'fortran_order': False, 'shape': (3,), }"
    ),
    "bomb.npz": npz_bomb,
    "zeros.csv.gz": lambda path: path.write_bytes(gzip.compress(b"a\n" + bytes(2**26))),
    "wide.csv": lambda path: path.write_bytes(b"a," * 2**22 + b"b\n1\n"),
    "comments.csv.gz": lambda path: path.write_bytes(gzip.compress(b"#" * 2**29)),
}


@pytest.fixture(scope="module")
def claimed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    for name, make in CLAIMS.items():
        make(folder / name)
    return folder, outcomes([("csv" if ".csv" in name else "npy", folder / name) for name in CLAIMS])


@pytest.mark.parametrize("name", CLAIMS)
def test_a_file_that_claims_more_than_it_holds_is_refused(name, claimed):
    folder, found = claimed
    assert found[str(folder / name)].startswith(f"refused {folder / name}"), found[str(folder / name)]


# Found by the test above with many files; each broke a reader once.
CORPUS = sorted(file for file in (ROOT / "tests" / "fuzz" / "corpus" / "readers").iterdir() if file.is_file())


@pytest.fixture(scope="module")
def kept():
    return outcomes([(file.suffix[1:], file) for file in CORPUS])


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_a_file_that_broke_a_reader_once_is_refused(file, kept):
    assert kept[str(file)].startswith(f"refused {file}"), kept[str(file)]
