#!/usr/bin/env bash
# Describes, plans and calls every shipped operation against the sandbox, and prints one line for each.
#   cargo build --release && examples/every-operation.sh target/release/opnode
set -u
opnode=${1:-opnode}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bad=0
while read -r name method _; do
    describe=failed plan=failed
    "$opnode" describe "$name" >/dev/null 2>"$work/err" && describe=ok
    "$opnode" "$method" --template "$name" --sandbox --quiet --plan >/dev/null 2>"$work/err" && plan=ok
    items=$("$opnode" "$method" --template "$name" --sandbox --quiet --format ndjson 2>"$work/err" | wc -l; exit "${PIPESTATUS[0]}")
    code=$?
    call="ok, $items items"
    # A missing record and a teapot are valid answers too.
    [ "$code" = 0 ] || call=$(sed -n 's/^error\[\([a-z_]*\)\].*/\1/p' "$work/err" | head -n 1)
    [ "$describe" = ok ] && [ "$plan" = ok ] && [ "$code" -le 5 ] || bad=$((bad + 1))
    printf '%-75s describe %s, plan %s, call %s\n' "$name" "$describe" "$plan" "$call"
done < <("$opnode" operations 2>/dev/null)
[ "$bad" = 0 ] || { echo "$bad operations did not work" >&2; exit 1; }
