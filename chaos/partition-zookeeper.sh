#!/usr/bin/env bash
# usage: partition-zookeeper.sh [leader|follower|bridge|deaf] [OPTION…]
#
# ZooKeeper servers do not hear each other for a while: the leader of the ensemble and all others (F12), the follower
# that serves the leading healer and all others, while a broker dies (F11), the leader and one follower (F13), or the
# leader hears nobody and is heard (F14). Options go to `healer-chaos run`. Exit 0 only if every invariant held.
set -euo pipefail
declare -A scenarios=(
    [leader]=F12-zookeeper-leader-cut-from-peers [follower]=F11-follower-cut-from-peers [bridge]=F13-bridge
    [deaf]=F14-zookeeper-leader-deaf
)
which=leader
if [[ -n ${scenarios[${1-none}]-} ]]; then which=$1; shift; fi
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/chaos" "${scenarios[$which]}" "$@"
