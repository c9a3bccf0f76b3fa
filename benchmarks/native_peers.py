"""The native backend beside everything that scores the same models, in interleaved rounds of one run.

    native_peers.py LIBRARY WORK [MODEL...]

LIBRARY is native_peers.cpp as built; in WORK trained models are kept for the next run. Printed are the least and the median CPU time of an
event over the rounds, and ratios of least to least and median to median: how many times faster Ophion is. Peers that are not installed,
or whose scores are others, are named.
"""

from __future__ import annotations

import ctypes
import importlib.util
import pathlib
import statistics
import sys
import time

import joblib
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python_scripts"))

from ophion.contract import Spec  # noqa: E402
from ophion.native import NotExportable, export_estimator  # noqa: E402

FEATURES, EVENTS, TRAINED = 28, 10_000, 30_000
SPEC = Spec(task="classification", features=tuple(f"x{i}" for i in range(FEATURES)), classes=("0", "1"))
ROUNDS = 9
SINGLE = 256  # events of a single-event measurement: many short ones, so that some fall between what else the machine does


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def collisions(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Made-up events in the manner of HIGGS: 21 features, 7 functions of them, and a label that these tell in part."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, n)
    x = random.normal(size=(n, 21)) + 0.15 * label[:, None] * np.linspace(-1, 1, 21)
    mixed = np.sqrt(np.abs(x[:, :7] * x[:, 7:14] + 0.5 * label[:, None] * x[:, 14:21])) + np.exp(0.3 * x[:, :7])
    return np.hstack([x, mixed]).astype(np.float32), label


def mlp(layers: tuple[int, ...]):
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(layers, max_iter=3, random_state=1)


def estimators() -> dict:
    """What is compared: name, and how it is made."""
    from sklearn import ensemble, tree

    found = {
        "HistGB 300x31": lambda: ensemble.HistGradientBoostingClassifier(max_iter=300, early_stopping=False, random_state=1),
        "GB 200xd3": lambda: ensemble.GradientBoostingClassifier(n_estimators=200, subsample=0.25, random_state=1),
        "AdaBoost 100xd3": lambda: ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=3), n_estimators=100, random_state=1),
        "RF 100xd10": lambda: ensemble.RandomForestClassifier(100, max_depth=10, n_jobs=1, random_state=1),
        "RF 100 unlimited": lambda: ensemble.RandomForestClassifier(100, n_jobs=1, random_state=1),
        "MLP 64-64": lambda: mlp((64, 64)),
        "MLP 300x3": lambda: mlp((300, 300, 300)),
    }
    if installed("xgboost"):
        import xgboost

        found["XGB 500xd6"] = lambda: xgboost.XGBClassifier(n_estimators=500, max_depth=6, learning_rate=0.1, n_jobs=1)
    if installed("lightgbm"):
        import lightgbm

        found["LGB 500x31"] = lambda: lightgbm.LGBMClassifier(n_estimators=500, num_leaves=31, n_jobs=1, verbose=-1)
    return found


def trained(name: str, make, work: pathlib.Path):
    """A fitted estimator, from the last run where there was one."""
    kept = work / f"{name.replace(' ', '_')}.joblib"
    if kept.is_file():
        return joblib.load(kept)
    started = time.perf_counter()
    model = make().fit(*collisions(TRAINED, 1))
    joblib.dump(model, kept)
    print(f"# {name} trained in {time.perf_counter() - started:.0f} s", flush=True)
    return model


class Library:
    """native_peers.cpp."""

    def __init__(self, path: str):
        self.c = ctypes.CDLL(path)
        for name in ("ophion_engine", "onnxruntime_engine", "xgboost_engine", "lightgbm_engine", "lleaves_engine", "tl2cgen_engine"):
            getattr(self.c, name).restype = ctypes.c_void_p
        self.c.last_problem.restype = ctypes.c_char_p
        self.c.seconds_of.restype = self.c.seconds_with.restype = self.c.peak_flops.restype = ctypes.c_double
        self.c.bytes_of.restype = ctypes.c_size_t

    def engine(self, kind: str, *arguments) -> int:
        """An engine of native_peers.cpp; raises RuntimeError with what its library says."""
        given = [a.encode() if isinstance(a, str) else ctypes.c_size_t(a) if isinstance(a, int) else a for a in arguments]
        engine = getattr(self.c, f"{kind}_engine")(*given)
        if not engine:
            raise RuntimeError(self.c.last_problem().decode())
        return engine

    def timer(self, engine: int, x: np.ndarray, out: np.ndarray | None = None):
        """A function of (first, events, batch): seconds an event. In `out` go the scores of batches of one; of others, those of their first event."""
        out = np.empty(len(x), np.float32) if out is None else out

        def timed(first: int, events: int, batch: int) -> float:
            seconds = self.c.seconds_of(ctypes.c_void_p(engine), x[first:].ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(x.shape[1]),
                                        ctypes.c_size_t(events), ctypes.c_size_t(batch), out.ctypes.data_as(ctypes.c_void_p))
            if seconds < 0:
                raise RuntimeError(self.c.last_problem().decode())
            return seconds / events

        return timed


def python_timer(score, x: np.ndarray):
    """The same for a Python function of an array."""

    def timed(first: int, events: int, batch: int) -> float:
        parts = [x[i : i + batch] for i in range(first, first + events, batch)]
        if batch == 1:
            parts = parts[:8]  # milliseconds each
        begin = time.thread_time()
        for part in parts:
            score(part)
        return (time.thread_time() - begin) / (len(parts) * batch)

    return timed


def onnx_file(name: str, model, work: pathlib.Path) -> tuple[str, str, str]:
    """The model as ONNX: file, its input, the output with probabilities."""
    import onnx

    path = work / f"{name.replace(' ', '_')}.onnx"
    if not path.is_file():
        if name.startswith(("XGB", "LGB")):
            import onnxmltools
            from onnxmltools.convert.common.data_types import FloatTensorType

            convert = onnxmltools.convert_xgboost if name.startswith("XGB") else onnxmltools.convert_lightgbm
            options = {"zipmap": False} if name.startswith("LGB") else {}
            made = convert(model, initial_types=[("x", FloatTensorType([None, FEATURES]))], **options)
        else:
            from skl2onnx import to_onnx

            made = to_onnx(model, np.zeros((1, FEATURES), np.float32), options={"zipmap": False})
        path.write_bytes(made.SerializeToString())
    graph = onnx.load(str(path)).graph
    return str(path), graph.input[0].name, graph.output[1].name


def peers(name: str, model, library: Library, x: np.ndarray, work: pathlib.Path) -> tuple[dict, dict]:
    """Timers by name, and why the others are missing."""
    found, missing = {}, {}

    expected = model.predict_proba(x[:SINGLE])[:, 1]

    def timer(kind: str, *arguments):
        """Of an engine of the library that scores as the model does."""
        engine, out = library.engine(kind, *arguments), np.empty(SINGLE, np.float32)
        library.timer(engine, x, out)(0, SINGLE, 1)
        if (worst := np.abs(out - expected).max()) > 1e-5:
            raise RuntimeError(f"scores differ by {worst:.2g}")
        return library.timer(engine, x)

    def attempt(peer: str, make) -> None:
        try:
            found[peer] = make()
        except Exception as error:  # a peer that can't be had is a line of the report
            missing[peer] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:110]

    def onnxruntime():
        import onnxruntime as package

        so = next((pathlib.Path(package.__file__).parent / "capi").glob("libonnxruntime.so*"))
        file, given, output = onnx_file(name, model, work)
        return timer("onnxruntime", str(so), file, FEATURES, given, output)

    def xgboost():
        import xgboost as package

        file = str(work / "xgboost.json")
        model.get_booster().save_model(file)
        so = next((pathlib.Path(package.__file__).parent / "lib").glob("libxgboost.so"))
        return timer("xgboost", str(so), file, FEATURES)

    def lightgbm_file() -> str:
        file = str(work / "lightgbm.txt")
        model.booster_.save_model(file)
        return file

    def lightgbm():
        import lightgbm as package

        so = next(pathlib.Path(package.__file__).parent.rglob("lib_lightgbm.so"))
        return timer("lightgbm", str(so), lightgbm_file(), FEATURES)

    def lleaves():
        import lleaves as package

        compiled = package.Model(model_file=lightgbm_file())
        compiled.compile()
        held.append(compiled)
        return timer("lleaves", ctypes.cast(compiled._c_entry_func, ctypes.c_void_p), FEATURES)

    def treelite_forest():
        import treelite as package

        if name.startswith("XGB"):
            return package.frontend.from_xgboost(model.get_booster())
        if name.startswith("LGB"):
            return package.frontend.from_lightgbm(model.booster_)
        return package.sklearn.import_model(model)

    def treelite():
        import treelite as package

        forest = treelite_forest()
        package.gtil.predict(forest, x[:2], nthread=1)
        return python_timer(lambda some: package.gtil.predict(forest, some, nthread=1), x)

    def tl2cgen():
        import tl2cgen as package

        kept = work / f"{name.replace(' ', '_')}.tl2cgen.so"
        if not kept.is_file():
            if name.startswith(("RF", "XGB")):
                raise RuntimeError(f"compiling takes many minutes; if {kept.name} is in the work folder, it is compared")
            started = time.perf_counter()
            package.export_lib(treelite_forest(), toolchain="gcc", libpath=str(kept), params={"parallel_comp": 16}, nthread=1)
            print(f"# {name} compiled by tl2cgen in {time.perf_counter() - started:.0f} s", flush=True)
        return timer("tl2cgen", str(kept), FEATURES)

    def torch():
        import torch as package

        layers = []
        for weight, bias in zip(model.coefs_, model.intercepts_, strict=True):
            layers += [package.nn.Linear(*weight.shape), package.nn.ReLU()]
            layers[-2].weight.data = package.tensor(weight.T.astype(np.float32))
            layers[-2].bias.data = package.tensor(bias.astype(np.float32))
        layers[-1] = package.nn.Sigmoid()
        network = package.jit.freeze(package.jit.script(package.nn.Sequential(*layers).eval()))

        def score(some):
            with package.inference_mode():
                return network(package.from_numpy(some))

        return python_timer(score, x)

    held.append(model)
    attempt("ONNX Runtime (C)", onnxruntime)
    if name.startswith("XGB"):
        attempt("XGBoost (C)", xgboost)
    elif name.startswith("LGB"):
        attempt("LightGBM (C)", lightgbm)
        attempt("lleaves (C)", lleaves)
    else:
        attempt("scikit-learn", lambda: python_timer(model.predict_proba, x))
    if name.startswith("MLP"):
        attempt("torch.jit", torch)
    else:
        attempt("treelite GTIL", treelite)
        attempt("tl2cgen (C)", tl2cgen)
    return found, missing


held: list = []  # what C code points into


def report(name: str, measured: dict[str, dict[str, list[float]]]) -> None:
    for size in ("one", "256", "10k"):
        ours = measured["Ophion"][size]
        for engine, by_size in measured.items():
            times = by_size[size]
            line = f"native | {name:16} {size:>4} | {engine:17} | {1e9 * min(times):11.1f} ns | {1e9 * statistics.median(times):11.1f} ns"
            if engine != "Ophion":
                line += f" | x {min(times) / min(ours):8.2f} | x {statistics.median(times) / statistics.median(ours):8.2f}"
            print(line, flush=True)


def compare(name: str, model, library: Library, x: np.ndarray, work: pathlib.Path) -> None:
    folder = work / name.replace(" ", "_")
    folder.mkdir(exist_ok=True)
    try:
        for member, data in export_estimator(model, SPEC).items():
            (folder / member).write_bytes(data)
    except NotExportable as why:
        print(f"# {name} is left out: {why}")
        return
    engine = library.engine("ophion", str(folder), FEATURES)
    timers, missing = peers(name, model, library, x, work)
    for peer, why in missing.items():
        print(f"# {name}: without {peer}: {why}")
    timers = {"Ophion": library.timer(engine, x)} | timers
    measured = {peer: {"one": [], "256": [], "10k": []} for peer in timers}
    for round_number in range(ROUNDS):
        first = round_number * SINGLE
        for peer, timed in timers.items():
            measured[peer]["one"].append(timed(first, SINGLE, 1))
            measured[peer]["256"].append(timed(0, 2048, 256))
            measured[peer]["10k"].append(timed(0, EVENTS, EVENTS))
    report(name, measured)
    pointer, out = x.ctypes.data_as(ctypes.c_void_p), np.empty(len(x), np.float32)
    handle, features = ctypes.c_void_p(engine), ctypes.c_size_t(FEATURES)
    allocated = library.c.bytes_of(handle, pointer, features, ctypes.c_size_t(1000), out.ctypes.data_as(ctypes.c_void_p))
    one, two = ([library.c.seconds_with(handle, ctypes.c_size_t(n), pointer, features, ctypes.c_size_t(EVENTS), ctypes.c_size_t(256))
                 for _ in range(5)] for n in (1, 2))
    print(f"native | {name:16} | bytes allocated by 1,000 events: {allocated} | events a second, 2 threads / 1: {2 * min(one) / min(two):.2f}")
    if name.startswith("MLP"):
        share_of_peak(name, 2 * sum(weight.size for weight in model.coefs_), timers["Ophion"], library)


def share_of_peak(name: str, flops: int, timed, library: Library) -> None:
    """What of the multiplications and additions that the processor can do are the network's own: by turns, the best of each."""
    peak, least = 0.0, {(SINGLE, 1): np.inf, (512, 256): np.inf, (2048, 2048): np.inf}
    for turn in range(400):
        peak = max(peak, library.c.peak_flops())
        for events, batch in least:
            least[events, batch] = min(least[events, batch], timed(turn % 8 * SINGLE, events, batch))
    shares = ", ".join(f"{'one event' if batch == 1 else f'batches of {batch}'} {100 * flops / least[events, batch] / peak:.0f} %" for events, batch in least)
    print(f"native | {name:16} | of the peak, {1e-9 * peak:.0f} thousand million operations a second: {shares}")


def main() -> None:
    library, work = Library(sys.argv[1]), pathlib.Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    x = np.ascontiguousarray(collisions(EVENTS, 2)[0])
    print("native | model and batch | engine | least | median | least / ours | median / ours")
    wanted = sys.argv[3:]
    for name, make in estimators().items():
        if not wanted or name in wanted:
            compare(name, trained(name, make, work), library, x, work)


if __name__ == "__main__":
    main()
