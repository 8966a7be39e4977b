#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# Two instances on one host, each with its own WAN and LAN, do not affect each other. Each forwards and counts its own
# packets, and one ends without affecting the second. A device belongs to one instance: a second one is refused, with
# the first one's name. doctor reads the file of an instance that is not up.
#
#     client  .7 uplink  -- 198.51.100.0/24 -- .1 wan  firewall .1 lan  -- 192.168.1.0/24 -- .10 eth  wg-end    home
#             .7 uplink2 -- 203.0.113.0/24 --- .1 wan2          .1 lan2 -- 192.168.2.0/24 -- .10 eth2           office
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

of() { wgxdp --instance "$@"; } # NAME COMMAND
# NAME DIRECTION KEY
of_shown() { of "$1" show --json | "$build/selftests/shown" all "${@:2}"; }

listed() {
	wgxdp instances --json | /usr/bin/python3 -c 'import json, sys
print(*(" ".join((i["name"], i["state"], ",".join(sorted(i["interfaces"], reverse=True)), str(i["services"]), i["daemon"]["running"]))
	for i in json.load(sys.stdin)["instances"]), sep=", ")'
}

send_ten() {
	inside client "$udptool" send -n 10 -r 10000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
	inside client "$udptool" send -n 10 -r 10000 uplink2 "$(mac firewall wan2)" 203.0.113.7:4000 203.0.113.1:$port > /dev/null
}

refused() { # NAME WORD WORD ARGUMENT...
	on_host firewall > "$work/was"
	! of "$1" up "${@:4}" > "$work/out" 2>&1 || fail "$1: up ${*:4} succeeds"
	grep -F -- "$2" "$work/out" | holds -F -- "$3" || fail "$1: up ${*:4} does not name $2 and $3: $(< "$work/out")"
	on_host firewall | diff "$work/was" - || fail "$1: up ${*:4}: something changed"
	say "ok $(< "$work/out")"
}

firewall_network
cable client uplink2 firewall wan2
cable firewall lan2 wg-end eth2
takes_xdp wg-end eth2
addresses client uplink2 203.0.113.7/24
addresses firewall wan2 203.0.113.1/24
addresses firewall lan2 192.168.2.1/24
addresses wg-end eth2 192.168.2.10/24
count_arrivals wg-end home 'iifname eth udp dport 51820'
count_arrivals wg-end office 'iifname eth2 udp dport 51820'
on_host firewall > "$work/before"

expect 'none is listed before' "$(wgxdp instances)" == 'no instance is up'
home=(--wan wan --lan lan --to 192.168.1.10)
office=(--wan wan2 --lan lan2 --to 192.168.2.10)
of home up "${home[@]}"
of home show > /dev/null
! of office show > "$work/out" 2>&1 || fail 'office is shown before it is up'
on_host firewall > "$work/home-alone"
of office up "${office[@]}"
expect 'both are listed' "$(listed)" == 'home up wan,lan 1 no, office up wan2,lan2 1 no'
send_ten
for name in home office; do
	expect "$name: forwarded" "$(of_shown $name original forwarded)" == 10
	expect "$name: came to wg-end" "$(arrived wg-end $name)" == 10
done
refused office lan home --wan wan2 --lan lan --to 192.168.2.10
refused third wan home --wan wan --to 192.168.1.10
refused third wan2 office --wan wan2 --to 192.168.2.10 --mode tc
send_ten
for name in home office; do expect "$name: forwarded, after the refusals" "$(of_shown $name original forwarded)" == 20; done
completed() { wgxdp complete "$@" | sort | xargs; }
expect 'instances that complete' "$(completed show --instance '')" == 'home office'
expect 'services of an instance that complete' "$(completed --instance home monitor --service '')" == wg-end
expect 'down of one' "$(of office down)" == 'instance office was taken down'
on_host firewall | diff "$work/home-alone" - || fail 'office left something, or took something of home'
send_ten
expect 'home: forwarded, without office' "$(of_shown home original forwarded)" == 30
expect 'down of the default instance, which there is not' "$(wgxdp down)" == 'instance default was not up'
hidden() { inside firewall unshare --mount bash -c 'mount -t bpf bpf /sys/fs/bpf && "$@"' bash "$wgxdp" --instance "$1" down; }
for name in home default; do
	! hidden $name > "$work/out" 2>&1 || fail "down of $name, whose pins are hidden, succeeds: $(< "$work/out")"
	grep -qE 'programs of wgxdp are attached to ([^,].*)?wan.*have no pins' "$work/out" || fail "down of hidden pins says $(< "$work/out")"
done
expect 'home: still there' "$(of home show --json | "$build/selftests/shown" get instance)" == home
mkdir /sys/fs/bpf/wgxdp/a-rest # the map of another version
bpftool map create /sys/fs/bpf/wgxdp/a-rest/control type array key 4 value 65536 entries 1 name control
! wgxdp instances > "$work/out" 2>&1 || fail 'instances ignores one that cannot be opened'
grep -q 'instance a-rest: another version of wgxdp started it' "$work/out" || fail "instances says $(< "$work/out")"
grep -q 'instance: home' "$work/out" || fail 'an instance that cannot be opened hides another one'
expect 'down of it' "$(of a-rest down)" == 'instance a-rest was taken down'
mkdir -p /etc/wgxdp
mount -t tmpfs none /etc/wgxdp
doctor_says() { # WORD...: its lines about the instance office
	of office doctor > "$work/doctor" 2>&1 || :
	grep ' instance office: ' "$work/doctor" | holds -F -- "$*" || fail "doctor does not say '$*': $(< "$work/doctor")"
}
doctor_says 'the instance is not up, and there is no /etc/wgxdp/office.yaml'
printf 'interfaces: [ { name: wan2, role: wan }, { name: lan2, role: lan } ]\nservices: [ { name: office, listen: { interface: wan2, ports: [ %d ] }, backend: { ipv4: 192.168.2.10, port: %d } } ]\n' $port $port > /etc/wgxdp/office.yaml
doctor_says 'the instance is not up, although /etc/wgxdp/office.yaml exists: start it'
sed -nE 's/^ *fix( until the next boot)?: //p' "$work/doctor" | holds -E '^(wgxdp --instance office up|systemctl enable --now wgxdp@office.service)$' || fail "doctor has no fix for office: $(< "$work/doctor")"
of home down
expect 'none is listed' "$(wgxdp instances)" == 'no instance is up'
on_host firewall | diff "$work/before" - || fail 'something is left'
