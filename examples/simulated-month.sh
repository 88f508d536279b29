#!/usr/bin/env bash
# Simulates months of a nightly batch of 6 steps and 5 accounts on a movable clock, with random faults each night: broken credentials, outages, kills, full
# disks, changed files, 429 storms, wrong rows, unclear outcomes, late rows, a clock that is set back, two starts at once. Prints how the starts ended, by
# fault. Nothing may be missing at the targets unless it is listed as needing a person, and nothing may be doubled.
# MONTHS=n runs n months (default 200), the first with SEED (default 1); SEED=n MONTHS=1 repeats one month and tells each start.
# Needs Linux and cargo; with a C compiler, processes are killed and their disks are full too.
set -euo pipefail
cd "$(dirname "$0")/.."
MONTHS="${MONTHS:-200}" SEED="${SEED:-1}" cargo test --profile smoke --test month -- --nocapture "$@"
