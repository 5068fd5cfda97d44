# Part of scripts/test-systemd: a broker is healed over SSH, with examples/config_production.yaml.

inside useradd --create-home --shell /bin/sh --groups systemd-journal remote 2>/dev/null || true
inside bash -c 'sed "s/\"kafka-healing\"/\"remote\"/" /usr/share/doc/kafka-self-healing/examples/50-kafka-self-healing.rules \
    >/etc/polkit-1/rules.d/50-kafka-self-healing.rules'
ssh=/etc/kafka-self-healing/ssh
inside install -d -o kafka-healing -m 700 "$ssh"
inside bash -c "rm -f $ssh/id_ed25519*; ssh-keygen -q -t ed25519 -N '' -f $ssh/id_ed25519
    chown kafka-healing $ssh/id_ed25519
    install -d -o remote -m 700 /home/remote/.ssh
    echo \"restrict,command=\\\"/usr/lib/kafka-self-healing/ssh-command kafka.service zookeeper.service\\\" \$(cat $ssh/id_ed25519.pub)\" \
        >/home/remote/.ssh/authorized_keys
    chown remote /home/remote/.ssh/authorized_keys
    ssh-keygen -A >/dev/null
    install -m 640 -g kafka-healing /packages/config_production.yaml /etc/kafka-self-healing/config.yaml
    echo hush >$ssh/password
    chown kafka-healing $ssh/password
    chmod 600 $ssh/password
    printf 'ZOOKEEPER=localhost:2181\nBOOTSTRAP=localhost:9092\nSSH_USER=remote\nHEALER_ID=healer-1\nZOOKEEPER_PASSWORD=file:%s\n' \
        $ssh/password >/etc/kafka-self-healing/environment"
inside systemctl start ssh
inside systemctl stop kafka-self-healing
# What the healer without credentials has made belongs to everybody; this one makes its own.
inside sed -i 's|root: /kafka-healer|root: /production|' /etc/kafka-self-healing/config.yaml
inside systemctl start kafka-self-healing
await 60 "it leads" tells "main: leads"
said "examples/config_production.yaml: $(property StatusText kafka-self-healing)"
inside bash -c "ssh-keyscan -t ed25519 localhost >$ssh/known_hosts 2>/dev/null"
life=$(property InvocationID kafka)
before=$(inside journalctl --no-pager -t kafka-self-healing -o cat | grep -c '^systemctl start kafka.service' || true)
inside systemctl kill --signal=KILL kafka
await 240 "healed over ssh" lives_anew "$life"
after=$(inside journalctl --no-pager -t kafka-self-healing -o cat | grep -c '^systemctl start kafka.service' || true)
[[ $after -gt $before ]] || fail "the forced command was not what started it"
said "healed over ssh, through the forced command"
# Looks that are the first and come together make connections of their own; after that one is used again, by two nodes'
# looks every 5 s.
logins() { journal ssh 'Accepted publickey for remote'; }
before=$(logins)
sleep 20
after=$(logins)
[[ $after -le $((before + 1)) ]] || fail "connections are not used again: $((after - before)) logins in 20 s"
said "$((after - before)) logins in 20 s of looking"
if inside ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=$ssh/known_hosts -i $ssh/id_ed25519 \
    remote@localhost systemctl stop ssh.service >"$log" 2>&1; then fail "the forced command lets everything through"; fi
grep -q 'not allowed here' "$log" || fail "the forced command does not say why it refuses"
