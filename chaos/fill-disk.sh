#!/usr/bin/env bash
# usage: fill-disk.sh [kafka-N|zookeeper-N] [OPTION…]
#
# The disk of a node is full for a while (scenarios F26; as root, since the small disk is a file system of its own).
# Options go to `healer-chaos run`. Exit 0 only if every invariant held and the node is back in the end.
set -euo pipefail
target=kafka-2 scenario=F26-broker-disk-full
if [[ ${1-} == kafka-* ]]; then target=$1; shift; fi
if [[ ${1-} == zookeeper-* ]]; then target=$1 scenario=F26-zookeeper-disk-full; shift; fi
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/chaos" "$scenario" --target "$target" "$@"
