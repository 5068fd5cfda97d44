#!/usr/bin/env bash
# usage: kill-broker.sh [kafka-N] [OPTION…]
#
# A broker is killed while messages flow; healers must start it, once, and nothing may be lost (scenario F16). Options
# go to `healer-chaos run`. Exit 0 only if it was so.
set -euo pipefail
target=kafka-2
if [[ ${1-} == kafka-* ]]; then target=$1; shift; fi
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/chaos" F16-broker-killed --target "$target" "$@"
