# Part of scripts/test-systemd: the healer as a service.

process=$(property MainPID kafka-self-healing)
inside logrotate -f /etc/logrotate.d/kafka-self-healing
begun() { inside test -e /var/log/kafka-self-healing/application.log -a -e /var/log/kafka-self-healing/audit.log; }
await 30 "the logs are begun anew" begun
[[ $(property MainPID kafka-self-healing) == "$process" ]] || fail "it did not survive that its logs were rotated"
said "logs rotated by logrotate"

inside kill -STOP "$process"
restarted() { [[ $(property NRestarts kafka-self-healing) == 1 ]] && is kafka-self-healing active; }
await 120 "a frozen healer is ended by the watchdog, and started again" restarted
await 60 "it leads again" tells "main: leads"
watched() { [[ $(journal kafka-self-healing 'Watchdog timeout') -gt 0 ]]; }
await 30 "the watchdog was what ended it" watched
said "frozen: ended by the watchdog, started again, leads"
