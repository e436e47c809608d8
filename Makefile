# Blockfeed. Everything here is safe to repeat, asks nothing and needs no editing.
# The scripts under deploy/setup install what is missing, where they may; all of them build with
# the one profile (dev), so that nothing compiles twice.

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help run test test-browser bench deb supply clean

help:
	@echo "make run          build, then show the main job from list to block; stays until Ctrl-C"
	@echo "make run ONCE=1   the same, and ends by itself"
	@echo "make test         format, lints and all tests; what couldn't run is listed at the end"
	@echo "                  (REQUIRE_ALL=1 make test fails if anything was skipped)"
	@echo "make test-browser the officer's day and every page in Chromium, with pictures in target/browser"
	@echo "make bench        the figures of the README, measured here"
	@echo "make deb          the Debian package, in target/debian"
	@echo "make supply       licences and sources of what is linked in, the bill of materials"
	@echo "make clean        remove target/ and the demonstration's data (data/demo)"

run:
	@deploy/setup/run.sh

test:
	@deploy/setup/test.sh

test-browser:
	@deploy/setup/test-browser.sh

bench:
	@deploy/setup/bench.sh

deb:
	@deploy/package.sh

supply:
	@deploy/supply/check.sh

clean:
	rm -rf "$${CARGO_TARGET_DIR:-target}" data/demo
