#!/usr/bin/env bash
# usage: fill-disk.sh [zookeeper-N] [OPTION…]
#
# The disk of a ZooKeeper server is full for a while (scenario F26; as root, since the small disk is a file system of its
# own). Options go to `healer-chaos run`. Exit 0 only if every invariant held and the server is back in the end.
set -euo pipefail
target=zookeeper-2
if [[ ${1-} == zookeeper-* ]]; then target=$1; shift; fi
exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/chaos" F26-zookeeper-disk-full --target "$target" "$@"
