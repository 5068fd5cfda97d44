# Part of scripts/test-systemd: a Debian 13 in $root, prepared once.

if [[ ! -e $root/prepared ]]; then
    # shellcheck disable=SC2016  # the dollar signs are apt's
    archive=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F '|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    archive=${archive:-http://deb.debian.org/debian}
    debootstrap --variant=minbase --include=ca-certificates,systemd,systemd-sysv,dbus,libpam-systemd \
        trixie "$root" "$archive" >"$log" 2>&1 || fail "debootstrap failed"
    echo "deb $archive trixie main" >"$root/etc/apt/sources.list"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    for file in /etc/apt/apt.conf.d/*proxy*; do [[ ! -e $file ]] || cp "$file" "$root/etc/apt/apt.conf.d/"; done
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # In name spaces of its own, so that nothing stays mounted.
    # shellcheck disable=SC2016  # expanded inside
    unshare --mount --pid --fork --kill-child bash -c '
        mount -t proc proc "$0/proc"
        chroot "$0" apt-get update
        DEBIAN_FRONTEND=noninteractive chroot "$0" apt-get install -y --no-install-recommends polkitd openssh-server \
            logrotate lintian openjdk-21-jre-headless' "$root" >"$log" 2>&1 </dev/null || fail "the packages cannot be installed"
    rm -f "$root/usr/sbin/policy-rc.d"
    touch "$root/prepared"
    said "a Debian 13, $(du -sh --one-file-system "$root" | cut -f 1)"
fi
