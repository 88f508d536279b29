#!/usr/bin/env bash
# Damages the folders of killed runs at random, 10,000 times: flipped bits, zeroed ranges, truncated, missing or swapped files, files of
# another run or of an earlier moment. Runs the batch again each time and counts the requests in the system. Prints the seed and the results. Items that are
# sent twice, silently left out or sent with another value must be 0; otherwise it exits with an error that names each. SEED=n repeats a run.
# Needs cargo. Takes a few minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
FULL=1 cargo test --test damage -- --nocapture "$@"
