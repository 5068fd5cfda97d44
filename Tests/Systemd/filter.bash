# Part of scripts/test-systemd: the filter before a Docker engine as a service. There is no engine here: what it does with
# one is shown on the compose cluster.

filter='healer-docker-filter'
install_package "$(package $filter "$old")" || fail "$filter cannot be installed"
is $filter inactive || fail "$filter runs though no container is listed"
[[ $(property ConditionResult $filter) == no ]] || fail "the condition of $filter holds without its environment"
is_safe $filter
inside install -D -m 644 /usr/share/doc/$filter/examples/environment /etc/$filter/environment
inside systemctl start $filter || fail "$filter does not start"
socket=/run/healer/docker.sock
await 30 "the filter listens" inside test -S $socket
[[ $(inside stat -c '%U %G %a' $socket) == "$filter kafka-healing 660" ]] || fail "its socket is not for healers alone"

# What the filter answers to request $2 of user $1: the status, or why there is no connection.
answers() {
    # shellcheck disable=SC2016  # Perl's
    inside runuser -u "$1" -- perl -MIO::Socket::UNIX -e '
        my $filter = IO::Socket::UNIX->new(Peer => $ARGV[0]) or print("$!") and exit;
        print $filter "$ARGV[1] HTTP/1.1\r\nHost: engine\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        print((split / /, <$filter>)[1]);' $socket "$2"
}
# 502: let through, and there is no engine.
[[ $(answers kafka-healing "GET /containers/kafka-1/json") == 502 ]] || fail "$filter does not let a healer through"
[[ $(answers kafka-healing "GET /containers/other/json") == 403 ]] || fail "$filter lets at a container that is not listed"
[[ $(answers kafka-healing "POST /containers/kafka-1/stop?t=5") == 403 ]] ||
    fail "$filter lets through a verb that is not listed"
[[ $(answers remote "GET /containers/kafka-1/json") == "Permission denied" ]] || fail "$filter is open to everybody"
[[ $(journal $filter '^healer-docker-filter: refused: POST .*/stop') == 1 ]] || fail "$filter does not tell of a refusal"
said "$filter: exposure $exposure; healers are let at listed containers, nobody else, and nothing else is let through"

process=$(property MainPID $filter)
install_package "$(package $filter "$new")" || fail "$filter cannot be upgraded"
is $filter active || fail "$filter does not run after an upgrade"
[[ $(property MainPID $filter) != "$process" ]] || fail "the old $filter still runs after an upgrade"
inside apt-get remove -y $filter >"$log" 2>&1 || fail "$filter cannot be removed"
is $filter active && fail "$filter runs after it was removed"
inside test -e /etc/$filter/environment || fail "removing $filter took its configuration"
inside apt-get purge -y $filter >"$log" 2>&1 || fail "$filter cannot be purged"
for place in /etc/$filter /run/healer /usr/bin/$filter; do
    ! inside test -e "$place" || fail "left after purging: $place"
done
said "$filter: upgraded, removed, purged"
