#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# When the WAN's address changes, the daemon makes wgxdp forward at the new address within 25 ms. The address changes
# again and again: the new one comes before or after the old one goes. A client that always sends to the new address
# is forwarded within 25 ms, and the kernel counts the other packets. Answers come from the address that the client
# used. A pass that follows no change of routes takes at most 8 ms of CPU time. BREAK=1 stops the daemon meanwhile.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#        .7   198.51.100.0/24, .1, then .10 to .29
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rate=2000 changes=20
limit=$((rate * $(at_most 25) / 1000)) # packets in 25 ms

service="services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }"

# Counts packets to an address that go to the kernel: before the firewall has the address, and before wgxdp knows it.
# Only the latter are late
count_what_passes() { # ADDRESS
	inside firewall nft -f - <<- EOF
		table inet seen
		delete table inet seen
	EOF
	count_arrivals firewall passed_up "ip daddr $1 udp dport $port"
	count_arrivals firewall late "ip daddr $1 udp dport $port fib daddr type local"
}

change() { # OLD NEW HOW
	local from=198.51.100.$1 to=198.51.100.$2 n sender
	came=$(arrived wg-end all_of_them)
	count_what_passes "$to"
	start client "$udptool" send -n 1000000 -r $rate uplink "$wan_mac" 198.51.100.7:4000 "$to:$port" > "$work/sent"
	sender=$!
	wait_for 5 'the sender sends' passed 100
	[[ $3 == before ]] || inside firewall ip address del "$from/24" dev wan
	inside firewall ip address add "$to/24" dev wan
	if [[ $3 == before ]]; then sleep 0.2; inside firewall ip address del "$from/24" dev wan; fi
	wait_for 5 "packets to $to are forwarded" forwarded 800
	kill $sender
	wait $sender
	n=$(said sent sent)
	after=$(arrived firewall passed_up)
	((n == after + $(arrived wg-end all_of_them) - came)) || fail "$after of $n packets passed up, and not all others were forwarded"
	lost=$(arrived firewall late)
	say "the new address $3 the old one went: $lost packets late, $((lost * 1000 / rate)) ms"
	((lost <= limit)) || fail "$lost packets at $rate/s were lost"
	((lost <= worst)) || worst=$lost
	inside client "$udptool" ask -n 5 -r 1000 198.51.100.7:4001 "$to:$port" > "$work/asked"
	expect "answered from $to" "$(said asked answered)" == 5
}
cpu_us() { awk '{print ($14 + $15 + $16 + $17) * 10000}' "/proc/$daemon/stat"; } # the daemon and its children
few_open() { (($(find "/proc/$daemon/fd" -type l | wc -l) <= descriptors)); }
passed() { (($(arrived firewall passed_up) >= $1)); }
forwarded() { (($(arrived wg-end all_of_them) - came >= $1)); }

firewall_network
inside firewall sysctl -qw net.ipv4.conf.wan.promote_secondaries=1
wan_mac=$(mac firewall wan)
count_arrivals wg-end all_of_them "udp dport $port"
start_listener wg-end listener -e "0.0.0.0:$port"
echo "$service" > "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
worst=0
from=1
descriptors=$(find "/proc/$daemon/fd" -type l | wc -l)
for ((round = 10; round < 10 + changes; round++)); do
	change $from $round "$( ((round % 2)) && echo after || echo before)"
	from=$round
done
kill -CONT "$daemon"
wait_for 5 'the daemon has no more descriptors than before' few_open # a child needs some
sleep 1
used=$(cpu_us)
for ((i = 1; i <= 20; i++)); do
	inside firewall ip link set lan txqueuelen $((1000 + i))
	sleep 0.1
done
expect "us of CPU time a pass, without a change of routes" $((($(cpu_us) - used) / 20)) '<=' "$(at_most 8000)"
end_daemon
expect_sums
expect "lost at worst, of $((round - 10)) changes, in ms" $((worst * 1000 / rate)) '<=' "$(at_most 25)"
