# One virtual environment serves every target. It is built when it is missing, and again when the project's
# dependencies change; the stamp is touched last, so an interrupted build starts over.

PYTHON ?= python3
STAMP  := .venv/.stamp
BIN    := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help lab serve test check fmt pictures bench soak clean

help:
	@echo 'make lab     the mini-internet on loopback addresses, port 5300'
	@echo 'make serve   answer for zones/ on 127.0.0.1:5300'
	@echo 'make test    every test; installs missing DNS tools first where it may (Debian, root)'
	@echo 'make check   ruff, mypy and r53lite check on our own zones'
	@echo 'make fmt     format the code and apply safe fixes'
	@echo 'make pictures  draw the pictures of docs/ anew'
	@echo 'make soak    look for faults by chance: zones against NSD and Knot, replies, packets (an hour)'
	@echo 'make bench   compare with other servers (minutes, not seconds)'

$(STAMP): pyproject.toml constraints.txt
	@scripts/make-venv $(PYTHON) .venv
	@touch $@

# exec: Ctrl-C reaches the server itself, and its exit code is make's to report.
lab: $(STAMP)
	@exec $(BIN)/r53lite lab

serve: $(STAMP)
	@exec $(BIN)/r53lite serve --zones zones

# The pytest summary is the last thing printed.
test: $(STAMP)
	@scripts/system-packages
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/r53lite check zones zones/lab

fmt: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Each picture has the command that draws it above itself; a test holds them equal.
pictures: $(STAMP)
	@sed -n 's/^\$$ \(r53lite .* --plot .*\)/\1/p' docs/policies.md | while read -r command; do $(BIN)/$$command >/dev/null || exit; done

bench: $(STAMP)
	@scripts/system-packages bench
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

# One line for each part; a part exits 1 where it found a fault, and prints how to repeat it.
# SEED is drawn and printed where it is not given.
SOAK_SEED = $(if $(SEED),--seed $(SEED))
soak: $(STAMP)
	@scripts/system-packages
	@$(BIN)/python -m tests.differential --sets $(or $(SETS),2000) $(SOAK_SEED)
	@$(BIN)/python -m tests.answering.replay_soak --cases $(or $(CASES),100000) $(SOAK_SEED)
	@$(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile chance --timeout 600
	@$(BIN)/python -m tests.routing.odds_soak --groups $(or $(GROUPS),200) $(SOAK_SEED)
	@$(BIN)/python -m tests.fuzz --packets $(or $(PACKETS),10000000) --deep-every 16 $(SOAK_SEED)

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
