# Part of scripts/test-systemd: the package is installed, and the healer started.

install_package "$(package kafka-self-healing "$old")" "$(package healerctl "$old")" || fail "the packages cannot be installed"
is kafka-self-healing inactive || fail "it runs without a configuration"
[[ $(property ConditionResult kafka-self-healing) == no ]] || fail "its condition holds without a configuration"
# Sets the exposure of unit $1, which must be small.
is_safe() {
    exposure=$(inside systemd-analyze security --no-pager "$1" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')
    awk -v exposure="${exposure:-10}" 'BEGIN { exit exposure > 1.5 }' || fail "the exposure of $1 is $exposure"
}
is_safe kafka-self-healing
for place in "/etc/kafka-self-healing root kafka-healing 750" "/var/log/kafka-self-healing kafka-healing kafka-healing 750" \
    "/opt/kafka-self-healing/plugins root root 755" "/etc/kafka-self-healing/environment root kafka-healing 640"; do
    [[ "${place%% *} $(inside stat -c '%U %G %a' "${place%% *}")" == "$place" ]] || fail "not as it should be: $place"
done
said "installed; exposure $exposure; does not start without a configuration"

inside bash -c 'echo "clusters: 1" >/etc/kafka-self-healing/config.yaml'
if inside systemctl start kafka-self-healing 2>/dev/null; then fail "it starts with a wrong configuration"; fi
# Longer than systemd waits before it starts a service again.
sleep 5
is kafka-self-healing failed || fail "it is not left at that with a wrong configuration"
[[ $(property NRestarts kafka-self-healing) == 0 ]] || fail "it was started again with a wrong configuration"
# By its name: of a process that ends at once journald may not find out the unit in time.
complains() { inside journalctl --no-pager -o cat -t healer | grep "config.yaml: .* errors, not started" >/dev/null; }
await 30 "it says what is wrong" complains
inside systemctl reset-failed kafka-self-healing
said "left at that with a wrong configuration"

inside install -m 640 -g kafka-healing /packages/config.yaml /etc/kafka-self-healing/config.yaml
inside install -m 644 /usr/share/doc/kafka-self-healing/examples/50-kafka-self-healing.rules /etc/polkit-1/rules.d/
inside systemctl start kafka-self-healing || fail "it does not start"
is kafka-self-healing active || fail "it is not active"
await 60 "it leads, and systemctl status says so" tells "main: leads"
await 60 "everything is healthy" healthy
kept=$(inside grep -o 'step.kept_by="*control group' /var/log/kafka-self-healing/application.log | head -1)
[[ $kept ]] || fail "its steps have no control groups: $(inside grep step.kept_by /var/log/kafka-self-healing/application.log)"
said "started: $(property StatusText kafka-self-healing); a control group for each step"
