#!/usr/bin/env bash
# Damages the folders of runs that were killed among their writes, 10,000 times at random: bits flipped, ranges zeroed, files cut, gone or swapped, files of
# another run or of an earlier moment. Runs the batch again each time, and counts at the system's side. Prints the seed and what came of it; items sent
# twice, left out in silence or sent with another value must be 0, and else it exits with an error that names each. SEED=n does the same again.
# Needs cargo. Takes a few minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
FULL=1 cargo test --test damage -- --nocapture "$@"
