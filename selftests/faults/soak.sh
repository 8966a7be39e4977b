#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 4500
# alone
# Under all kinds of traffic, reloads and kills at once, no packet of steady streams is lost, and no memory,
# descriptor or pin leaks. This runs for $SOAK seconds (120; an hour: SOAK=3600). Steady streams go through dnat of
# both families and masquerade 44, 66, 46 and 64, each packet answered, and a real tunnel through a guarded service.
# 3,000 newcomers a second (10.8 million an hour) come to a masquerading service. Each is answered, so that each
# becomes a flow and ends. Meanwhile the configuration is reloaded, `up` runs again, and the daemon is killed and
# restarted, in turns. No packet of the steady streams is lost. Descriptors, memory, pins and devices of the daemon
# and the kernel stay bounded, and at the end are what they were at first. Flows stay below their limit. After `down`
# no program, map or link remains. BREAK=program keeps one of the programs, BREAK=packet takes the service away for a
# moment.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
#     newcomers: 10.0.0.0/8 behind client
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

seconds=${SOAK:-120}
rate=${RATE:-3000} # newcomers a second
steady=50          # packets a second of each stream
streams=(dnat4 dnat6 masq44 masq66 masq46 masq64)
declare -A from=() to=()
for stream in "${streams[@]}"; do
	case $stream in
	dnat4 | masq44 | masq46) from[$stream]=198.51.100.7 to[$stream]=198.51.100.1 ;;
	*) from[$stream]='[2001:db8:1::7]' to[$stream]='[2001:db8:1::1]' ;;
	esac
done
port_of() { case $1 in dnat*) echo $port ;; *) echo "52${1#masq}" ;; esac } # STREAM

masquerade() { # STREAM LISTENS BACKEND
	printf '  - name: %s\n    listen: { addresses: [ "%s" ], ports: [ %s ] }\n    backend: { %s, port: %s }\n    nat: masquerade\n' \
		"$1" "$2" "$(port_of "$1")" "$3" "$(port_of "$1")"
}
configuration() { # MORE-PORTS
	cat <<- EOF
		services:
		  - name: dnat
		    listen: { interface: wan, ports: [ $port$1 ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    ipv6: dnat
		  - name: tunnel
		    listen: { addresses: [ 198.51.100.1 ], ports: [ 51821 ] }
		    backend: { ipv4: 192.168.1.10, port: 51821 }
		    wireguard: { public-key: "$(key soak-b)" }
		  - name: many
		    listen: { addresses: [ 198.51.100.1 ], ports: [ 52100 ] }
		    backend: { ipv4: 192.168.1.10, port: 52100 }
		    nat: masquerade
		    flows: { max: 65536, timeout: 5s }
	EOF
	masquerade masq44 198.51.100.1 'ipv4: 192.168.1.10'
	masquerade masq66 2001:db8:1::1 'ipv6: "2001:db8:2::10"'
	masquerade masq46 198.51.100.1 'ipv6: "2001:db8:2::10"'
	masquerade masq64 2001:db8:1::1 'ipv4: 192.168.1.10'
}

network() {
	firewall_network
	inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
	inside client nft 'add table ip t; add chain ip t c { type filter hook prerouting priority -300; }; add rule ip t c iifname uplink ip daddr 10.0.0.0/8 drop'
	choose_wireguard
	tunnel client soak-a 10.99.0.1/24
	tunnel wg-end soak-b 10.99.0.2/24 51821
	inside client wg set soak-a peer "$(key soak-b)" endpoint 198.51.100.1:51821 allowed-ips 10.99.0.2/32
	inside wg-end wg set soak-b peer "$(key soak-a)" allowed-ips 10.99.0.1/32
	for ((at = 0; at < 2; at++)); do configuration "$( ((at)) && echo ', 443')" > "$work/$at.yaml"; done
	for stream in dnat masq44 masq66 masq46 masq64; do
		start_listener wg-end "four-$stream" -e "192.168.1.10:$(port_of $stream)"
		start_listener wg-end "six-$stream" -e "[2001:db8:2::10]:$(port_of $stream)"
	done
	start_listener wg-end many -e 192.168.1.10:52100
}

# --- resources in use

# While the daemon opens the data path, it has about 85 maps and programs open. The function waits until that is over
descriptors() {
	local n
	for _ in {1..50}; do
		n=$(find "/proc/$daemon/fd" -mindepth 1 | wc -l)
		((n > ${first[descriptors]:-n} + 8)) || break
		sleep 0.2
	done
	echo "$n"
}
resident() { awk '$1 == "VmRSS:" {print $2}' "/proc/$daemon/status"; } # kB, with the maps that it reads by mmap
own() { awk '$1 == "RssAnon:" {print $2}' "/proc/$daemon/status"; } # kB, without them
pins() { find /sys/fs/bpf/wgxdp | wc -l; }
devices() { inside firewall ip -o link | wc -l; }
flows() { wgxdp show metrics | awk '/^wgxdp_flows\{/ {n += $2} END {print n + 0}'; }
objects() {
	bpf_objects default > "$work/now"
	cat "$work/now" >> "$work/ever"
	wc -l < "$work/now"
}

declare -A least=() most=() first=()
note() { # WHAT NUMBER
	[[ ${first[$1]:-} ]] || first[$1]=$2 least[$1]=$2 most[$1]=$2
	((${least[$1]} <= $2)) || least[$1]=$2
	((${most[$1]} >= $2)) || most[$1]=$2
}
look() {
	local what
	for what in descriptors resident own pins devices flows objects; do note $what "$($what)"; done
}
# While the daemon loads the data path, it needs 28 MB more, so it has two limits: one at most, and one afterwards.
memory_as_at_first() { (($(resident) <= first[resident] + 20000)); }
as_at_first() { # WHAT
	[[ $($1) == "${first[$1]}" ]]
}

# --- changes meanwhile, in turns

daemon_anew() {
	kill -KILL "$daemon"
	wait "$daemon" 2> /dev/null || :
	start_daemon -c "$work/0.yaml"
}
event() { # NUMBER
	case $(($1 % 4)) in
	0) wgxdp reload -c "$work/1.yaml" > /dev/null ;;
	1) wgxdp reload -c "$work/0.yaml" > /dev/null ;;
	2) wgxdp up -c "$work/0.yaml" > /dev/null ;;
	3) daemon_anew ;;
	esac
}
break_it() {
	case ${BREAK:-} in
	program | 1) bpftool prog pin pinned /sys/fs/bpf/wgxdp/default/progs/wgxdp_xdp /sys/fs/bpf/kept ;;
	packet) wgxdp service del dnat > /dev/null && sleep 1 && wgxdp reload -c "$work/0.yaml" > /dev/null ;;
	esac
}

network
start_daemon -c "$work/0.yaml"
reach() { inside client ping -q -c 1 -W 1 10.99.0.2; }
wait_for 20 'a ping through the tunnel' reach
n=$((seconds * steady))
for stream in "${streams[@]}"; do
	start client "$udptool" ask -n 2 -w 5000 "${from[$stream]}:4000" "${to[$stream]}:$(port_of "$stream")" > "$work/asked"
	wait $!
	expect "$stream: answered at first" "$(said asked answered)" == 2
done
look
askers=()
for stream in "${streams[@]}"; do
	start client "$udptool" ask -n $n -r $steady -w 5000 "${from[$stream]}:4000" "${to[$stream]}:$(port_of "$stream")" > "$work/asked-$stream"
	askers+=($!)
done
unanswered client 10.99.0.2 -c $((seconds * 5)) -i 0.2 -W 10 > "$work/pinged" &
pinger=$!
start client "$udptool" send -a -s 32 -n $((seconds * rate)) -r "$rate" uplink "$(mac firewall wan)" 10.0.0.0:1 198.51.100.1:52100 > "$work/flooded"
flooder=$!
events=0 churned=0
while kill -0 "$flooder" 2> /dev/null; do
	event $events
	events=$((events + 1))
	((events != 5)) || break_it
	sleep 1
	look
done
wait "$flooder" "$pinger" "${askers[@]}"
churned=$(shown get services.many.original.forwarded)
say "events: $events; newcomers: $(said flooded sent), forwarded $churned; flows at most ${most[flows]}"
for what in descriptors resident own pins devices objects; do say "$what: first ${first[$what]}, ${least[$what]} to ${most[$what]}"; done

expect 'events' $events '>=' $((seconds / 20))
for stream in "${streams[@]}"; do expect "$stream: answered of $n" "$(said "asked-$stream" answered)" == $n; done
expect 'pings that were lost' "$(< "$work/pinged")" == 0
expect 'newcomers forwarded, of each 100' $((churned * 100 / (seconds * rate))) '>=' 95
expect 'flows at most' "${most[flows]}" '<=' 65536
expect 'descriptors at most' "${most[descriptors]}" '<=' $((first[descriptors] + 8))
expect 'memory of the daemon at most, kB' "${most[own]}" '<=' $((first[own] + 50000))
expect 'objects at most' "${most[objects]}" '<=' $((first[objects] + 2))
wgxdp reload -c "$work/0.yaml" > /dev/null
wait_for 30 "memory of the daemon, at most 20 MB more than ${first[resident]} kB" memory_as_at_first
for what in descriptors pins devices objects; do wait_for 30 "$what as at first, ${first[$what]}" as_at_first $what; done
say "flows: first ${first[flows]}, at most ${most[flows]}, now $(flows)"
expect_sums
end_daemon
wgxdp down
sort -u "$work/ever" > "$work/all"
wait_for 10 'the kernel to let go of everything' none_of_these "$work/all"
[[ ! -e /sys/fs/bpf/wgxdp ]] || [[ ! $(find /sys/fs/bpf/wgxdp -mindepth 1) ]] || fail "left over: $(find /sys/fs/bpf/wgxdp)"
say "0 of $((${#streams[@]} * n)) packets lost in $seconds s, $churned flows came and went, $events events; $(wc -l < "$work/all") objects of the kernel came and went"
