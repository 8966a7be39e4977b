#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# vm
# Packets of many datagrams (GSO) arrive whole through the firewall, and none is refused wrongly as too long. They
# come from senders that use UDP_SEGMENT, and from NICs of the firewall that merge datagrams (rx-udp-gro-forwarding).
# XDP carries them, or tc if XDP cannot, or tc alone: dnat and none, both families, originals and replies. Each
# datagram is counted once and arrives with the same bytes. None is refused as too long, and those that are too long
# get an ICMP error. BREAK=1 makes the egress MTUs a byte too small.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=220 # datagrams of each round: a cable holds 256, however late the receiver is
total=0
declare -A client=([4]=198.51.100.7:4000 [6]='[2001:db8:1::7]:4000') public sink
declare -A end=([4]=192.168.1.10:$port [6]="[2001:db8:2::10]:$port") longest=([4]=1472 [6]=1452)

up() { # MODE NAT
	service_file "$2"
	public=([4]=${end[4]} [6]=${end[6]})
	[[ $2 == none ]] || public=([4]=198.51.100.1:$port [6]="[2001:db8:1::1]:$port")
	wgxdp up -c "$work/wgxdp.yaml" --mode "$1" > /dev/null
	inside client nft reset counters > /dev/null
	inside wg-end nft reset counters > /dev/null
	asked=0 sink=([original]=0 [reply]=0)
}

# The ends leave checksums and segmentation to their devices, and so to the firewall. Otherwise their kernels do this,
# or the sender itself (before 6.11, without checksum offload).
ends_leave() { # CHECKSUMS SEGMENTS: on|off
	inside client ethtool -K uplink tx "$1" tx-udp-segmentation "$2" > /dev/null
	inside wg-end ethtool -K eth tx "$1" tx-udp-segmentation "$2" > /dev/null
}

ends_take_xdp() { # on|off
	inside client ethtool -K uplink gro "$1" > /dev/null
	inside wg-end ethtool -K eth gro "$1" > /dev/null
	inside client ip link set uplink xdpdrv off
	inside wg-end ip link set eth xdpdrv off
	[[ $1 == off ]] || { takes_xdp client uplink && takes_xdp wg-end eth; }
}

# Sets from, to and ask: sender, receiver and the receiver's address in this direction.
ends_of() { # DIRECTION FAMILY
	if [[ $1 == original ]]; then
		from=client to=wg-end ask=("${client[$2]}" "${public[$2]}") at=${end[$2]}
	else
		from=wg-end to=client ask=("${end[$2]}" "${client[$2]}") at=${client[$2]}
	fi
}

# Sends from one end to the other: a full packet of datagrams, and a few small ones. Each is answered by itself.
exchange() { # WHAT DIRECTION FAMILY BYTES AT-ONCE
	local from to ask at back=reply
	[[ $2 == original ]] || back=original
	ends_of "$2" "$3"
	start_listener "$to" listener -e "$at"
	inside "$from" "$udptool" ask -n $n -r 20000 -w 20000 -s "$4" -u "$5" "${ask[@]}" > "$work/asker"
	stop $!
	expect "$1, $2, IPv$3, $5 of $4 bytes at once: answered" "$(said asker answered)" == $n
	sink[$2]=$((sink[$2] + $(said listener received)))
	sink[$back]=$((sink[$back] + $(said asker answers)))
	asked=$((asked + n)) total=$((total + 2 * n))
}

# Counts the packets of more than one datagram that arrive at the firewall.
watch() { watch_filter firewall 'udp and greater 1600'; }

of_shown() { "$build/selftests/shown" "$@" < "$work/shown"; }

accounted() { # WHAT
	local direction egress=lan received forwarded dropped passed
	wgxdp show --json > "$work/shown"
	for direction in original reply; do
		read -r received forwarded dropped passed < <(of_shown all $direction received forwarded dropped passed)
		expect "$1, $direction: received" "$received" == $asked
		expect "$1, $direction: dropped or passed, as too long or otherwise" $((dropped + passed)) == 0
		expect "$1, $direction: forwarded without failures, and received" \
			$((forwarded - $(of_shown get interfaces.$egress.xmit_failed))) == "${sink[$direction]}"
		egress=wan
	done
	expect_sums
	expect "$1: answers that something is too long" $(($(arrived client mtu_errors) + $(arrived wg-end mtu_errors))) == 0
}

carries() { # WHAT MODE
	local nat family direction many
	for nat in dnat none; do
		up "$2" $nat
		watch
		for family in 4 6; do
			for direction in original reply; do
				exchange "$1, $nat" $direction $family "${longest[$family]}" 44
			done
		done
		exchange "$1, $nat" original 4 48 40
		exchange "$1, $nat" reply 6 48 40
		accounted "$1, $nat"
		watched
		if [[ $1 == *native* ]]; then
			expect "$1, $nat: forwarded by XDP" "$(of_shown all original forwarded_xdp)" '>' $((asked * 8 / 10))
		else
			expect "$1, $nat: packets of many datagrams" "$many" '>=' $((asked / 44 / 2))
		fi
		wgxdp down
	done
}

# An egress with an MTU of 1400 that the sender does not know
try_narrow() { # WHAT MODE
	local nat family direction narrow
	for nat in dnat none; do
		for direction in original reply; do
			narrow=lan
			[[ $direction == original ]] || narrow=wan
			inside firewall ip link set $narrow mtu 1400
			up "$2" $nat
			for family in 4 6; do try_one_narrow "$1, $nat, $direction, IPv$family" $direction $family; done
			wgxdp down
			inside firewall ip link set $narrow mtu 1500
		done
	done
}

# The error comes from wgxdp, or without translation possibly from the kernel
try_one_narrow() { # WHAT DIRECTION FAMILY
	local from to ask at n=$((44 * ($3 / 2 - 1))) counted
	counted="0 $n"
	[[ $1 != *'dnat, original'* ]] || counted="$n 0"
	ends_of "$2" "$3"
	inside "$from" nft reset counters > /dev/null
	inside "$from" ip "-$3" route flush cache
	inside "$from" "$udptool" ask -D -n 44 -s "${longest[$3]}" -u 44 -w 100 "${ask[@]}" > "$work/asker"
	expect "$1: too long, answered" "$(arrived "$from" mtu_errors)" '>=' 1
	expect "$1: learned" "$(inside "$from" ip route get "$(host "${ask[1]}")" | grep -o 'mtu [0-9]*')" == 'mtu 1400'
	wgxdp show --json > "$work/shown"
	expect "$1: counted so far" "$(of_shown reason "$2" packet_too_big) $(of_shown reason "$2" too_big)" == "$counted"
	expect_sums
}
host() { sed 's/^\[//; s/\]*:[0-9]*$//' <<< "$1"; } # ADDRESS:PORT

firewall_network
for ns in client wg-end; do
	count_arrivals $ns mtu_errors 'icmp type destination-unreachable'
	inside $ns nft add rule inet seen arrivals icmpv6 type packet-too-big counter name mtu_errors
done
for address in 198.51.100.7 2001:db8:1::7 192.168.1.10 2001:db8:2::10; do
	inside firewall ping -q -c 1 -W 10 $address > /dev/null # before neighbours are resolved, a sender queues at most 92 datagrams
done
for device in wan lan; do inside firewall ethtool -K $device rx-udp-gro-forwarding on; done
[[ ! ${BREAK:-} ]] || for device in wan lan; do inside firewall ip link set $device mtu 1499; done

ends_leave off off
carries 'native XDP' auto
ends_leave on off
carries 'tc, put together' tc
ends_leave on on
carries 'tc, as they were sent' tc
carries 'checksums undone, so XDP passes up' auto
ends_leave on off
ends_take_xdp off
carries 'ends that take nothing from XDP' auto
ends_take_xdp on

try_narrow 'XDP passes up' auto
ends_leave on on
try_narrow 'tc' tc
say "ok $total of $total datagrams came whole, 0 of them called too long"
