#!/usr/bin/env bash
# usage: kill-leader.sh [OPTION…]
#
# The leading healer is killed; another one must lead, and nothing may be done to any node (scenario F1). Options go to
# `healer-chaos run`. Exit 0 only if it was so.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/chaos" F1-leader-killed "$@"
