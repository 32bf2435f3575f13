# For people: each target is one thing to do, and none needs another to be run first.
#
#   make demo        a whole realm on this machine: registers and recovers a secret, and shows how
#   make test        everything that must pass before a change lands
#   make build       the executables, in build/release/bin/
#   make chaos       ten minutes of faults against a realm under load; every promise is checked
#   make bench       the benchmarks of docs/performance.md
#   make sim         plays STEPS steps (200000) of a hostile host from SEED (1); CURVES=real or cheap
#   make sim-long    plays ten million steps;  make sim-defects: does the simulator find known defects?
#   make model       checks the protocol models of docs/model/ (about ten minutes)
#   make coverage    lines and branches of the trusted rooms that tests and simulator reach, with HTML reports
#   make fuzz        each fuzz target for TIME seconds (600)
#   make format      formats the sources;  make lint checks them
#   make install     installs into PREFIX (default /usr/local), below DESTDIR if given
#   make clean       removes build/

SHELL := /bin/bash
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: help demo test build bench chaos hosts format lint install clean deps deps-test sim sim-build sim-long sim-defects fuzz-smoke fuzz asan tsan coverage model

help:
	@sed -n 's/^#   //p' Makefile

deps:
	@scripts/install-deps
deps-test:
	@scripts/install-deps --test

build: deps
	@cmake --preset release -DRIND_TESTS=OFF >/dev/null
	@cmake --build --preset release -j $(JOBS)

demo: build
	@build/release/bin/rind demo

test: deps-test
	@scripts/test

bench: build
	@scripts/bench

# docs/testing.md tells how to read what these print.
SEED ?= 1
STEPS ?= 200000
CURVES ?= cheap
SIM_cheap := sim-cheap
SIM_real := sim
sim-build: deps-test
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS) --target sim sim-cheap >/dev/null

sim: sim-build
	@build/release/bin/$(SIM_$(CURVES)) --seed $(SEED) --steps $(STEPS)

sim-long: sim-build
	@build/release/bin/sim-cheap --seed $(SEED) --steps 10000000

sim-defects: deps-test
	@sim/defects/run

# make chaos CHAOS='--duration 1h --seed 7': other options of rind chaos.
CHAOS ?= --duration 10m --interval 2s --failovers 20 --transfers 10
chaos: build
	@build/release/bin/rind chaos --start --hsms 5 --groups 3 $(CHAOS)

# The same with each HSM and agent on a host of its own, whose links are cut too. As root.
HOSTS ?= --duration 2m --interval 1s
hosts: build
	@tests/hosts/run build/release/bin $(HOSTS)

format: deps-test
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint: deps-test
	@tools/lint

asan tsan coverage: deps-test
	@scripts/test $@

fuzz-smoke: deps-test
	@scripts/test fuzz

# make fuzz TIME=600: seconds for each target.
TIME ?= 600
fuzz: deps-test
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz -j $(JOBS) --target fuzz_targets
	@tests/fuzz/run-smoke build/fuzz $(TIME)

model: deps-test
	@docs/model/check

install: build
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

clean:
	@rm -rf build
