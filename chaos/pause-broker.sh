#!/usr/bin/env bash
# usage: pause-broker.sh [kafka-N] [OPTION…]
#
# A broker stands still with its port open; that very process must be killed after its grace, and started (scenario
# F18). Options go to `healer-chaos run`. Exit 0 only if it was so.
set -euo pipefail
target=kafka-2
if [[ ${1-} == kafka-* ]]; then target=$1; shift; fi
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/chaos" F18-broker-frozen --target "$target" "$@"
