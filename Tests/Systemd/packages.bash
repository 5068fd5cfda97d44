# Part of scripts/test-systemd: two versions of the packages, and what lintian says of them.

version=$(sed -n 's/.*current = "\(.*\)".*/\1/p' Sources/Cluster/HealerVersion.swift)
old=${version}-1 new=${version}-2
mkdir -p "$root/packages"
for each in "$old" "$new"; do
    scripts/package "$root/packages" "${programs[@]}" --version "$each" >"$log"
done
names=(kafka-self-healing healerctl healer-docker-filter)
architecture=$(dpkg --print-architecture)
package() { echo "/packages/$1_$2_$architecture.deb"; }
depends=$(for name in "${names[@]}"; do dpkg-deb -f "$root$(package "$name" "$old")" Depends; done | paste -sd,)
# shellcheck disable=SC2016  # expanded inside
unshare --mount --pid --fork --kill-child bash -c '
    mount -t proc proc "$0/proc"
    printf "#!/bin/sh\nexit 101\n" >"$0/usr/sbin/policy-rc.d"
    chmod 755 "$0/usr/sbin/policy-rc.d"
    # Of an earlier run.
    chroot "$0" dpkg --purge "${@:2}"
    DEBIAN_FRONTEND=noninteractive chroot "$0" apt-get satisfy -y --no-install-recommends "$1"
    result=$?
    rm "$0/usr/sbin/policy-rc.d"
    exit $result' "$root" "$depends" "${names[@]}" >"$log" 2>&1 </dev/null || fail "what the packages depend on cannot be installed"
for name in "${names[@]}"; do
    chroot "$root" lintian --fail-on error --allow-root "$(package "$name" "$old")" >"$log" 2>&1 || fail "lintian finds errors in $name"
    ! grep -F no-manual-page "$log" >&2 || fail "a program of $name has no manual page"
    said "$name: lintian without errors, $(grep -c ^W: "$log" || true) warnings"
    grep ^W: "$log" || true
done
