# make demo    sets up, builds, trains two methods on the sample in examples/higgs4l, then scores events from a C++ program
# make test    sets up, builds, runs the tests
# make help    the rest
.DELETE_ON_ERROR:
.PHONY: demo test test-full setup setup-test setup-bench build bench soak fuzz help clean
SHELL := /bin/bash
# What pip left uncompiled is kept when first used (scripts/setup.sh): else every start compiles half of PyTorch. The others hide lost output and slow NumPy.
unexport PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED OPENBLAS_CORETYPE

build_folder = build/release
bench_folder = build/release

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@scripts/setup.sh

# make build      the library, the plug-ins and the ophion program, optimised, in build/release
build: setup
	@scripts/build.sh release

demo: build
	@scripts/demo.sh $(build_folder)

setup-test:
	@scripts/setup.sh test

test: setup-test
	@scripts/test.sh

# make test-full  the tests under sanitizers and the slow ones too
test-full: setup-test
	@scripts/test.sh full

# make fuzz       each fuzzer for FUZZ_SECONDS, an hour if not said
FUZZ_SECONDS ?= 3600
fuzz: setup-test
	@scripts/fuzz.sh $(FUZZ_SECONDS)

setup-bench:
	@scripts/setup.sh bench

# make bench      the benchmarks, each a ratio in one run
bench: setup-bench build
	@scripts/bench.sh $(bench_folder)

# make soak       many threads load, score, fail and train for SOAK_SECONDS, ten minutes if not said: nothing grows, no score is wrong
SOAK_SECONDS ?= 600
export SOAK_SECONDS
soak: setup-test build
	@scripts/bench.sh $(bench_folder) soak

# make clean      removes what was built (not .venv, not runs)
clean:
	rm -rf build
