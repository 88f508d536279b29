#!/usr/bin/env bash
# Kills a batch run at every write, sync, rename and send, at random times and within its resumptions, goes on until it is done, and compares what is left
# with a run that nobody killed. Prints how many points, resumptions and unknown items there were; doubled and lost must be 0.
# Needs Linux, cargo and a C compiler. Takes about a quarter of an hour; without FULL the same test takes a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
FULL=1 cargo test --test batch_faults "$@"
