#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# The counters account for every packet: received = forwarded + dropped + passed, also when a device fails to
# transmit. No sent packet is missing, and wg-end receives forwarded - xmit_failed. This holds for packets with many
# different results, with the ring before wg-end full, with a device that cannot take frames from XDP, and with a
# device that no longer can after `up`. Losses of other network namespaces on devices with the same indexes do not
# count. BREAK=1 loses packets on the cable to wg-end.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end, mtu 1400 on the way
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

send() { # OPTION... FROM TO
	inside client "$udptool" send -r "${rate:-0}" "${@:1:$#-2}" uplink "$wan_mac" "${@: -2}" > "$work/sent"
	total=$((total + $(said sent sent))) refused=$((refused + $(said sent refused)))
}

begin() { # WHAT MODE
	what=$1 total=0 refused=0
	inside wg-end nft reset counters > /dev/null
	cable_drops_before=$(cable_drops)
	wgxdp up --wan wan --lan lan --to "192.168.1.10,2001:db8:2::10" --mode "$2" > /dev/null
}

# Packets that the client's own end of the cable lost never reached the firewall. Since 6.6 the kernel also returns an
# error to the sender, which sends again: these are $refused, and not lost.
cable_drops() { inside client ip -s -j link show uplink | /usr/bin/python3 -c '
import json, sys
print(json.load(sys.stdin)[0]["stats64"]["tx"]["dropped"])'; }

# Checks that everything is accounted for now: sets sink, failed and forwarded. With a full ring the device sometimes
# counts one drop too many (one run in six on 6.18: it counted two dropped sk_buffs, and a tap on lan saw one lost). It
# must never count too few, because then a packet would be missing.
settled() {
	sink=$(arrived wg-end all_of_them)
	failed=$(shown get interfaces.lan.xmit_failed)
	forwarded=$(shown all original forwarded)
	((sink == forwarded - failed || (failed > 100 && sink + failed == forwarded + 1)))
}

# The packets to lan that were not sent and that the kernel's tracepoints reported
not_sent() {
	bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/transmit_failed | /usr/bin/python3 -c '
import json, sys
print(sum(cpu["value"] for entry in json.load(sys.stdin) if entry["formatted"]["key"] == int(sys.argv[1])
          for cpu in entry["formatted"]["values"]))' "$(index firewall lan)"
}

finish() {
	local received lost
	(wait_for 10 "$what: what came to wg-end is forwarded - xmit_failed" settled) || :
	settled || fail "$what: $sink came to wg-end, of $(shown all original received) received, $(shown all original passed) passed and \
$forwarded forwarded; $failed failed to be sent, reported $(not_sent), the device's: $(inside firewall ethtool -S lan | grep -v ': 0$' | xargs)"
	lost=$(($(cable_drops) - cable_drops_before - refused))
	((lost >= 0)) || fail "$what: the sender was refused $refused times, more than the cable dropped"
	received=$(shown all original received)
	expect "$what: of $total sent, $lost not put on the wire: received" "$received" == $((total - lost))
	say "ok $what: $forwarded forwarded, $failed failed to be sent, $sink came to wg-end"
	expect_sums
}

# Sends packets of all services, with different results
send_mix() {
	local rate=50000
	send -n 500 198.51.100.7:4000 198.51.100.1:$port
	send -n 500 "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port"
	send -n 100 -z 198.51.100.7:4000 198.51.100.1:$port
	send -n 300 -c 100 198.18.0.1:4000 198.51.100.1:$port
	send -n 300 -c 100 "[2001:db8:77::1]:4000" "[2001:db8:2::10]:$port"
	send -n 50 -t 1 198.51.100.7:4000 198.51.100.1:$port
	send -n 50 -t 1 "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port"
	send -n 50 192.168.1.77:4000 198.51.100.1:$port
	send -n 50 "[2001:db8:2::77]:4000" "[2001:db8:2::10]:$port"
	send -n 50 127.0.0.1:4000 198.51.100.1:$port
	send -n 50 -s 1450 198.51.100.7:4000 198.51.100.1:$port
	send -n 50 -s 1450 "[2001:db8:1::7]:4000" "[2001:db8:2::10]:$port"
	passed_of_mix=250 dropped_of_mix=50 # the kernel answers an expired TTL to our own address, up to its rate limit
}

# wg-end's end of the cable becomes slow, and a thread of its own serves it: the ring of 256 before it fills up. The
# device counts everything that it dropped. The firewall kernel's own packets to wg-end (neighbour discovery, ICMP
# errors) would be among them, also while the program at the other end changes. So the kernel falls silent first.
slow_wg_end() {
	inside firewall ip neigh replace 192.168.1.10 dev lan lladdr "$(mac wg-end eth)" nud permanent
	inside firewall nft -f - << EOF
	table inet silence {
		chain output {
			type filter hook output priority 0; policy accept;
			oifname lan drop
		}
	}
	table arp silence {
		chain output {
			type filter hook output priority 0; policy accept;
			oifname lan drop
		}
	}
EOF
	slow wg-end
}
fast_wg_end() {
	inside firewall nft 'delete table inet silence; delete table arp silence'
	threaded wg-end 0
	inside wg-end ip link set eth xdpdrv off
	takes_xdp wg-end eth
}
slow() { # NAMESPACE
	inside "$1" ip link set eth xdpdrv off
	takes_xdp "$1" eth slow
	threaded "$1" 1
}
threaded() { # NAMESPACE 0|1
	# shellcheck disable=SC2016
	inside "$1" unshare --mount sh -c 'mount -t sysfs sysfs /sys && echo "$1" > /sys/class/net/eth/threaded' sh "$2"
}

# The kernel's tracepoints name devices by their indexes, and without BTF wgxdp cannot check the namespace: an index
# that no other test uses
wan_index=$((1000 + RANDOM % 1000))
firewall_network
inside firewall ip link set lan mtu 1400
wan_mac=$(mac firewall wan)
# Packets that wgxdp passes to the kernel must not arrive: the kernel drops them
inside firewall nft -f - << EOF
table inet kernel {
	chain arrivals {
		type filter hook prerouting priority -310; policy accept;
		udp dport $port drop
	}
}
EOF
if [[ ${BREAK:-} ]]; then
	inside wg-end nft -f - << EOF
	table inet cable {
		chain losses {
			type filter hook prerouting priority -320; policy accept;
			udp dport $port numgen inc mod 100 0 drop
		}
	}
EOF
fi
count_arrivals wg-end all_of_them "udp dport $port"

for mode in native generic tc; do
	begin "$mode, a mix" $mode
	send_mix
	finish
	expect "$what: passed" "$(shown all original passed)" == "$passed_of_mix"
	expect "$what: dropped" "$(shown all original dropped)" == "$dropped_of_mix"
	wgxdp down
done

full_ring() { # MODE WHAT
	begin "$1, a full ring$2" "$1"
	slow_wg_end
	send -n 20000 198.51.100.7:4000 198.51.100.1:$port
	finish
	expect "$what: failed to be sent" "$failed" '>' 100
	fast_wg_end
}

for mode in native generic tc; do
	full_ring $mode ''
	[[ $mode != native ]] || expect "$what: reported by raw tracepoints" "$(not_sent)" '>' 100
	wgxdp down
done
mount --bind /dev/null /sys/kernel/btf/vmlinux
full_ring native ', without BTF'
expect "$what: reported by tracefs" "$(not_sent)" '>' 100
wgxdp down
umount /sys/kernel/btf/vmlinux

inside wg-end ip link set eth xdpdrv off
inside wg-end ethtool -K eth gro off > /dev/null
begin 'no transmission from XDP' native
redirects=$(driver_redirects firewall wan)
send_mix
finish
expect "$what: of wgxdp's packets, tried by XDP" $(($(driver_redirects firewall wan) - redirects)) == 0
expect "$what: failed to be sent" "$failed" == 0
wgxdp down

takes_xdp wg-end eth
begin 'transmission from XDP lost after up' native
send -n 100 -r 10000 198.51.100.7:4000 198.51.100.1:$port
inside wg-end ip link set eth xdpdrv off
send -n 1000 198.51.100.7:4000 198.51.100.1:$port
finish
expect "$what: failed to be sent" "$failed" '>=' 900
wgxdp down

firewall_network other-
begin "another namespace's" native
on=other-firewall wgxdp up --instance other --wan wan --lan lan --to 192.168.1.10 --mode native > /dev/null
expect 'index of wan there' "$(index other-firewall wan)" == "$(index firewall wan)"
expect 'index of lan there' "$(index other-firewall lan)" == "$(index firewall lan)"
slow other-wg-end
many_fail_there() {
	inside other-client "$udptool" send -n 20000 uplink "$(mac other-firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > /dev/null
	(($(on=other-firewall wgxdp show --instance other --json |
		"$build/selftests/shown" get interfaces.lan.xmit_failed) > 100))
}
# On a busy machine the sender may be too slow to fill the ring
wait_for 30 "$what: more than 100 failed to be sent there" many_fail_there
expect "$what: and here" "$(shown get interfaces.lan.xmit_failed)" == 0
on=other-firewall wgxdp down --instance other
wgxdp down
