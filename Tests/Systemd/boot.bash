# Part of scripts/test-systemd: boots what lies in $root with systemd as its first process, and how it is asked and told.

rm -rf "$root/opt/kafka" "$root/etc/kafka" "$root/var/lib/kafka"
mkdir -p "$root/opt/kafka" "$root/etc/kafka"
cp -rL "$kafka/libs" "$root/opt/kafka/libs"
cp docker/kafka/log4j.properties Tests/Systemd/*.properties "$root/etc/kafka/"
cp Tests/Systemd/{kafka,zookeeper}.service "$root/etc/systemd/system/"
cp Tests/Systemd/held.service Tests/Systemd/config.yaml examples/config_production.yaml "$root/packages/"
printf '127.0.0.1 localhost test-systemd\n' >"$root/etc/hosts"
: >"$root/etc/machine-id"

mkdir "$group"
# shellcheck disable=SC2016  # expanded inside
bash -c '
    echo $$ >"$2/cgroup.procs"
    exec unshare --mount --pid --uts --ipc --cgroup --net --fork --kill-child bash -c "$0" - "$1"' '
    set -e
    hostname test-systemd
    ip link set lo up
    mount --make-rprivate /
    mount --bind "$1" "$1"
    cd "$1"
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=755 tmpfs dev
    for device in null zero full random urandom tty; do
        touch "dev/$device"
        mount --bind "/dev/$device" "dev/$device"
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
    mount -t tmpfs tmpfs dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    mkdir -p host
    pivot_root . host
    umount -l /host
    exec env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system' \
    "$root" "$group" >"$work/console" 2>&1 </dev/null &
booted=$!

# Runs "$@" in the system.
inside() {
    local first
    first=$(pgrep -P "$booted") || return 1
    nsenter -t "$first" --mount --pid --uts --ipc --net --cgroup --root --wd -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# Waits until "$3…" succeeds, at most $1 seconds; $2 is what it waits for.
await() {
    local limit=$1 what=$2 end
    shift 2
    end=$((SECONDS + limit))
    until "$@" >/dev/null 2>&1; do
        [[ $SECONDS -lt $end ]] || fail "not within $limit s: $what"
        kill -0 "$booted" 2>/dev/null || { cat "$work/console" >&2; fail "the system has ended"; }
        sleep 0.5
    done
}

is_up() { [[ $(inside systemctl is-system-running) =~ running|degraded ]]; }
property() { inside systemctl show -P "$1" "$2"; }
# Whether unit $1 is in state $2.
is() { [[ $(property ActiveState "$1") == "$2" ]]; }
is_not() { ! is "$@"; }
# Whether the status of the healer's service has $1 in it.
tells() { [[ $(property StatusText kafka-self-healing) == *"$1"* ]]; }
serves() { inside bash -c 'exec 3<>/dev/tcp/localhost/9092'; }
# Whether the broker is in a life other than $1, and serves.
lives_anew() { is kafka active && [[ $(property InvocationID kafka) != "$1" ]] && serves; }
# How healers call node $1.
node_is() { grep -Eq "^ *$1 .*$2" <<<"$(inside healerctl --zookeeper localhost:2181 --root "${tree:-/kafka-healer}" nodes)"; }
# How often the journal says of unit $1 what matches $2.
journal() { inside journalctl --no-pager -o cat -u "$1" | grep -Ec "$2" || true; }
install_package() { inside apt-get install -y --no-install-recommends --allow-downgrades "$@" >"$log" 2>&1; }
healthy() { node_is kafka-1 HEALTHY && node_is zookeeper-1 HEALTHY; }

await 120 "systemd is up" is_up
said "systemd $(inside systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p') is its first process"
inside useradd --system --home-dir /var/lib/kafka --create-home kafka 2>/dev/null || inside install -d -o kafka /var/lib/kafka
inside systemctl enable -q --now zookeeper kafka
await 180 "the broker serves" serves
