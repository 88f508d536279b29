#!/usr/bin/env bash
# Kills a batch run at every write, sync, rename and send, at random times, and again while it is resumed; resumes it until it is done, and compares the results
# with an uninterrupted run. Prints the numbers of points, resumptions and unknown items; duplicated and lost must be 0.
# Needs Linux, cargo and a C compiler. Takes about a quarter of an hour; without FULL the same test takes a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
FULL=1 cargo test --test batch_faults "$@"
