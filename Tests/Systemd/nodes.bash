# Part of scripts/test-systemd: what becomes of a broker, and by whose hand.

audit=/var/log/kafka-self-healing/audit.log
# How many steps of kind $1 healers have begun.
begun() { inside grep -c "\"event\":\"begin\".*\"$1\"" "$audit" || true; }

# MARK: A broker that is killed

# Kills the broker and waits until it serves in another life; $1 is how it is called here.
killed_and_healed() {
    local life begin
    life=$(property InvocationID kafka)
    begin=$SECONDS
    inside systemctl kill --signal=KILL kafka
    await 180 "$1" lives_anew "$life"
    took=$((SECONDS - begin))
    said "$1, $took s after it was killed"
    await 120 "everything is healthy" healthy
}
killed_and_healed "healed"
healing=$took
[[ $(begun start) -gt 0 ]] || fail "the audit trail does not tell of a start"

# MARK: A broker that hangs

life=$(property InvocationID kafka)
process=$(property MainPID kafka)
begin=$SECONDS
inside kill -STOP "$process"
await 240 "a broker that hangs is killed and started" lives_anew "$life"
hanging=$((SECONDS - begin))
said "hung: that process killed, and started, $hanging s after it was frozen"
[[ $(begun kill) -gt 0 ]] || fail "the audit trail does not tell of a kill"
await 120 "everything is healthy" healthy

# MARK: A broker that was stopped by hand

life=$(property InvocationID kafka)
inside systemctl stop kafka
await 60 "healers call it stopped" node_is kafka-1 STOPPED
sleep 20
is kafka active && fail "it was started, though somebody had stopped it"
node_is kafka-1 STOPPED || fail "it is no longer called stopped"
inside systemctl start kafka
await 120 "everything is healthy" healthy
said "left alone for 20 s after it was stopped by hand"

# MARK: A broker at its start limit

inside systemctl stop kafka-self-healing
at_limit=false
for _ in {1..12}; do
    inside systemctl kill --signal=KILL kafka 2>/dev/null || true
    await 30 "the broker is dead" is kafka failed
    if ! inside systemctl start kafka 2>/dev/null; then
        at_limit=true
        break
    fi
done
$at_limit || fail "systemd has no start limit"
is kafka failed || fail "the broker runs at its start limit"
life=$(property InvocationID kafka)
inside systemctl start kafka-self-healing
await 240 "a broker at its start limit is healed" lives_anew "$life"
await 120 "everything is healthy" healthy
said "at its start limit: reset, and started"

# MARK: A broker that systemd itself starts again

inside install -d /run/systemd/system/kafka.service.d
inside bash -c 'printf "[Service]\nRestart=always\nRestartSec=15\n" >/run/systemd/system/kafka.service.d/restart.conf'
inside systemctl daemon-reload
starts=$(begun start)
killed_and_healed "started by systemd itself"
[[ $(property NRestarts kafka) == 1 ]] || fail "systemd has not started it again by itself"
[[ $(begun start) == "$starts" ]] || fail "a healer started what systemd was about to start"
inside rm -r /run/systemd/system/kafka.service.d
inside systemctl daemon-reload

# MARK: A broker that somebody else is about to start

# Does step $1 as a healer's own process would that decided on it a moment ago; succeeds if it yields because of $2.
step_yields() {
    local order said
    order='{"verb":"'$1'","systemctl":{"unit":{"description":"kafka.service"}},"identity":"'$life'",'
    order+='"limitMilliseconds":5000}'
    said=$(inside runuser -u kafka-healing -- healer systemd-step "$order" 2>&1) && return 1
    [[ $said =~ $2 ]] || fail "a step to $1 it ends otherwise: $said"
}

# Whether a healer has told of somebody else's hand at the broker, $1.
is_told() { inside grep -Eq "incident.subject=kafka-1 .*somebody else is at it: $1" /var/log/kafka-self-healing/application.log; }

# What comes before the broker is not done until somebody says so; the broker's job waits for that.
inside cp /packages/held.service /run/systemd/system/
inside systemctl daemon-reload
inside touch /run/held
inside systemctl start --no-block held
life=$(property InvocationID kafka)
starts=$(begun start) kills=$(begun kill)
healer=$(property MainPID kafka-self-healing)
# It has no time to be first.
inside kill -STOP "$healer"
inside systemctl kill --signal=KILL kafka
await 30 "the broker is dead" is kafka failed
inside systemctl start --no-block kafka
inside kill -CONT "$healer"
await 60 "healers tell of the job that is queued" is_told "job $(property Job kafka) is queued for it"
# For longer than it took to heal it.
sleep $((healing + 15))
is kafka failed || fail "the broker does not wait for its job any more"
node_is kafka-1 UNHEALTHY || fail "healers take the broker for something else than dead"
step_yields start "job [0-9]+ is queued for it; left to it" || fail "a step is done in spite of a queued job"
inside rm /run/held
await 120 "the queued job starts the broker" lives_anew "$life"
await 120 "everything is healthy" healthy
[[ "$(begun start) $(begun kill)" == "$starts $kills" ]] || fail "a healer acted in spite of a queued job"
said "a job queued by somebody else: seen, left to it for $((healing + 15)) s, started by it"

# MARK: A broker whose stop is under way

inside install -d /run/systemd/system/kafka.service.d
inside bash -c 'printf "[Service]\nTimeoutStopSec=600\nExecStop=/bin/sh -c \"while test -e /run/held; do sleep 0.2; done\"\n" \
    >/run/systemd/system/kafka.service.d/stop.conf'
inside systemctl daemon-reload
inside touch /run/held
life=$(property InvocationID kafka)
process=$(property MainPID kafka)
inside systemctl stop --no-block kafka
await 30 "its stop is under way" is kafka deactivating
# It does not answer any more, as one that hangs.
inside kill -STOP "$process"
await 60 "healers tell that it is being stopped" is_told "it is being stopped"
# One that hangs was killed, and served again, before.
sleep $((hanging + 15))
[[ "$(property ActiveState kafka) $(property MainPID kafka)" == "deactivating $process" ]] ||
    fail "somebody has interfered with its stop"
step_yields kill "it is being stopped; left to it" || fail "a step is done in spite of a stop under way"
# The job that asked for the stop is taken away; the stop goes on.
inside systemctl cancel "$(property Job kafka)"
is kafka deactivating || fail "systemd does not go on with the stop"
step_yields kill "it is being stopped; left to it" || fail "a step is done in spite of a stop without a job"
inside rm /run/held
await 120 "it is stopped" is_not kafka deactivating
await 60 "healers call it stopped" node_is kafka-1 STOPPED
[[ "$(begun start) $(begun kill)" == "$starts $kills" ]] || fail "a healer acted in spite of a stop under way"
inside rm -r /run/systemd/system/kafka.service.d
inside systemctl daemon-reload
inside systemctl start kafka
await 120 "everything is healthy" healthy
said "being stopped by somebody, and frozen: left alone for $((hanging + 15)) s"
