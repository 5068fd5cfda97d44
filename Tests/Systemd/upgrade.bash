# Part of scripts/test-systemd: the packages are upgraded, removed and purged.

process=$(property MainPID kafka-self-healing)
install_package "$(package kafka-self-healing "$new")" "$(package healerctl "$new")" || fail "it cannot be upgraded"
await 60 "the new version leads" tells "main: leads"
[[ $(property MainPID kafka-self-healing) != "$process" ]] || fail "the old one still runs after an upgrade"
inside grep -q /production /etc/kafka-self-healing/config.yaml || fail "the upgrade has changed the configuration"
inside grep -q SSH_USER /etc/kafka-self-healing/environment || fail "the upgrade has changed the environment"
said "upgraded: restarted, its configuration as it was"

inside apt-get remove -y kafka-self-healing >"$log" 2>&1 || fail "it cannot be removed"
is kafka-self-healing active && fail "it runs after it was removed"
inside test -e /etc/kafka-self-healing/config.yaml -a -e /var/log/kafka-self-healing/audit.log || fail "removing took configuration or logs"
inside apt-get purge -y kafka-self-healing healerctl >"$log" 2>&1 || fail "it cannot be purged"
for place in /etc/kafka-self-healing /var/log/kafka-self-healing /var/lib/kafka-self-healing /opt/kafka-self-healing /usr/bin/healer \
    /usr/bin/healerctl /etc/logrotate.d/kafka-self-healing; do
    ! inside test -e "$place" || fail "left after purging: $place"
done
serves || fail "the broker does not serve any more"
said "removed, purged; the broker serves"
