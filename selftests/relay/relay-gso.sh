#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# vm
# GSO packets between sites arrive whole, each datagram counted once, and none is refused wrongly as too long. They
# come from hosts that send many datagrams as one packet (UDP_SEGMENT), and from NICs and tunnels of the relay that
# merge packets (GRO, rx-udp-gro-forwarding). They go between NICs, from NICs to tunnels, between tunnels and back
# into the same one, with their answers. XDP carries them, or tc if XDP cannot, or tc alone. Each datagram is counted
# once and comes whole, and none is refused as too long. Those that are too long get packet too big, with the MTU of
# the path. The kernel's own rules forward nothing. BREAK=1 makes the egress MTUs a byte too small.
#
#     site a, b === $one (WireGuard, MTU 1420)   relay   to_n (1500) -- site n
#     site c    === $two (WireGuard, MTU 1380)           to_o (1400) -- site o
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=220 # datagrams of each round: a cable holds 256, however late the receiver is
total=0
overlay=fd12:3456:789a
one=rgo$$ two=rgt$$ # wireguard-go's sockets belong to no namespace
sites='a b c n o'
declare -A mtu=([a]=1420 [b]=1420 [c]=1380 [n]=1500 [o]=1400) sent sink
ways='n:a a:c b:a n:o o:b'

site_device() { if [[ $1 == [no] ]]; then echo eth; else echo "rg$1$$"; fi; } # SITE
relay_device() { # SITE
	case $1 in
	a | b) echo $one ;;
	c) echo $two ;;
	*) echo "to_$1" ;;
	esac
}
subnet() { tr no de <<< "$overlay:$1::"; } # SITE
site_address() { echo "$(subnet "$1")1"; }

tunnel_site() { # SITE NUMBER PORT
	local device to
	device=$(site_device "$1") to=$(relay_device "$1")
	cable "$1" under relay "under$1"
	addresses "$1" under "172.16.$2.2/24"
	addresses relay "under$1" "172.16.$2.1/24"
	tunnel "$1" "$device" "$(site_address "$1")/64"
	inside "$1" ip link set "$device" mtu "${mtu[$1]}"
	inside relay wg set "$to" peer "$(key "$device")" allowed-ips "$(subnet "$1")/64"
	inside "$1" wg set "$device" peer "$(key "$to")" allowed-ips ::/0 endpoint "172.16.$2.1:$3" persistent-keepalive 1
	inside "$1" ip -6 route add default dev "$device"
	inside relay ip -6 route add "$(subnet "$1")/64" dev "$to"
}

nic_site() { # SITE
	cable "$1" eth relay "to_$1"
	takes_xdp "$1" eth
	inside "$1" ip link set eth mtu "${mtu[$1]}"
	inside relay ip link set "to_$1" mtu "${mtu[$1]}"
	addresses "$1" eth "$(site_address "$1")/64"
	addresses relay "to_$1" "$(subnet "$1")ffff/64"
	inside "$1" ip -6 route add default via "$(subnet "$1")ffff"
}

reached() { inside "$1" ping -q -c 1 -W 1 fd99::1; } # SITE

network() {
	local site
	# shellcheck disable=SC2086 # words
	namespaces relay $sites
	routers relay
	tunnel relay $one fd99::1/128 5001
	tunnel relay $two fd99::2/128 5002
	inside relay ip link set $two mtu 1380
	tunnel_site a 1 5001
	tunnel_site b 2 5001
	tunnel_site c 3 5002
	nic_site n
	nic_site o
	for site in $sites; do
		wait_for 20 "site $site reaches the relay" reached "$site"
		inside relay ethtool -K "$(relay_device "$site")" rx-udp-gro-forwarding on
		count_arrivals "$site" other 'icmpv6 type { destination-unreachable, time-exceeded, parameter-problem }'
		count_arrivals "$site" mtu_errors 'icmpv6 type packet-too-big'
	done
	inside relay nft -f - <<- NFT
		table ip6 kernel {
			counter forwarded { }
			chain forward { type filter hook forward priority filter; policy accept; ip6 daddr $overlay::/48 counter name forwarded drop; }
		}
	NFT
}

configuration() {
	local site
	echo "policy: { overlay: \"$overlay::/48\" }"
	echo 'peers:'
	for site in $sites; do
		printf '  - { name: %s, device: %s, prefixes: [ "%s/64" ]' "$site" "$(relay_device "$site")" "$(subnet "$site")"
		[[ $site == [no] ]] || printf ', public-key: "%s"' "$(key "$(site_device "$site")")"
		echo ' }'
	done
}

# The sites on NICs leave checksums and segmentation to their devices, and so to the relay
ends_leave() { # CHECKSUMS SEGMENTS: on|off
	local site
	for site in n o; do inside $site ethtool -K eth tx "$1" tx-udp-segmentation "$2" > /dev/null; done
}

forget() { # path MTUs
	local site
	for site in $sites; do
		inside "$site" ip -6 route flush cache
		inside "$site" nft reset counters > /dev/null
	done
}

up() { # MODE
	local site
	wgxdp up -c "$work/wgxdp.yaml" --mode "$1" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
	for site in $sites; do sent[$site]=0 sink[$site]=0; done
	forget
}

narrower() { if ((mtu[$1] < mtu[$2])); then echo "${mtu[$1]}"; else echo "${mtu[$2]}"; fi; } # SITE SITE

# The last place where the packets were seen
lost() { # FROM TO
	local site device
	cat "$work/asker" "$work/listener"
	wgxdp show --json > "$work/shown"
	for site in "$1" "$2"; do
		device=$(relay_device "$site")
		echo "site $site: $(of_peers "$site" rx.received) came from it before $(inside relay ip -s -s link show "$device" | tr -s ' \n' ' ')"
		echo "    forwarded to it $(of_peers "$site" tx.forwarded) $(inside "$site" ip -s -s link show "$(site_device "$site")" | tr -s ' \n' ' ')"
	done
}

# Sends from one site to the other: a full packet of datagrams, and a few small ones. Each is answered by itself
exchange() { # WHAT FROM TO BYTES AT-ONCE
	local to
	to="[$(site_address "$3")]:58001"
	start_listener "$3" listener -e "$to"
	inside "$2" "$udptool" ask -n $n -r "$rate" -w 20000 -s "$4" -u "$5" "[$(site_address "$2")]:58000" "$to" > "$work/asker"
	stop $!
	[[ $(said asker answered) == "$n" ]] || lost "$2" "$3" >&2
	expect "$1, $2 to $3, $5 of $4 bytes at once: answered" "$(said asker answered)" == $n
	sent[$2]=$((sent[$2] + n)) sink[$3]=$((sink[$3] + $(said listener received)))
	sent[$3]=$((sent[$3] + $(said listener received))) sink[$2]=$((sink[$2] + $(said asker answers)))
	total=$((total + 2 * n))
}

# Counts the packets of more than one datagram that arrive at the relay, without WireGuard's messages
watch() { watch_filter relay 'ip6 and udp and greater 1600'; }

of_shown() { "$build/selftests/shown" "$@" < "$work/shown"; }
of_peers() { # SITE... KEY: the sum over these sites
	local site sum=0
	for site in "${@:1:$#-1}"; do sum=$((sum + $(of_shown get "peers.$site.${!#}"))); done
	echo $sum
}

accounted() { # WHAT
	local site devices
	wgxdp show --json > "$work/shown"
	for site in $sites; do
		expect "$1, $site: received" "$(of_peers "$site" rx.received)" == "${sent[$site]}"
		expect "$1, $site: dropped or passed, as too long or otherwise" \
			$(($(of_peers "$site" rx.dropped) + $(of_peers "$site" rx.passed))) == 0
		expect "$1, $site: answers that something is too long, or other errors" "$(arrived "$site" mtu_errors other)" == 0
	done
	for devices in a,b c n o; do
		site=${devices%,*}
		# shellcheck disable=SC2086 # words
		expect "$1, $devices: forwarded without failures, and received" \
			$(($(of_peers ${devices//,/ } tx.forwarded) - $(of_shown get "interfaces.$(relay_device "$site").xmit_failed"))) \
			== $((${sink[${site}]} + (${#devices} > 1 ? sink[b] : 0)))
	done
	expect_sums
}

carries() { # WHAT MODE
	local way many
	up "$2"
	watch
	for way in $ways; do
		exchange "$1" "${way%:*}" "${way#*:}" $(($(narrower "${way%:*}" "${way#*:}") - 48)) 44
	done
	exchange "$1" n c 48 40
	exchange "$1" a o 48 40
	accounted "$1"
	watched
	if [[ $1 == *native* ]]; then
		expect "$1: forwarded by XDP, from nic to nic" "$(of_peers o tx.forwarded_xdp)" '>' $((n * 8 / 10))
	else
		expect "$1: packets of many datagrams" "$many" '>=' $((n / 44 / 2))
	fi
	wgxdp down
}

# Egress links that are narrower than the ingress, unknown to the sender
try_narrow() { # WHAT MODE
	local way from to most narrow dropped
	up "$2"
	for way in n:a a:c n:o a:o n:c; do
		from=${way%:*} to=${way#*:} most=${mtu[$from]} narrow=${mtu[$to]}
		((most > narrow)) || fail "$way is no way to a narrower one"
		wgxdp show --json > "$work/shown"
		dropped=$(of_peers "$from" rx.dropped)
		forget
		inside "$from" "$udptool" ask -D -n 44 -s $((most - 48)) -u 44 -w 100 "[$(site_address "$from")]:58002" \
			"[$(site_address "$to")]:58003" > "$work/asker"
		expect "$1, $from to $to: too long, answered" "$(arrived "$from" mtu_errors)" '>=' 1
		expect "$1, $from to $to: other errors" "$(arrived "$from" other)" == 0
		expect "$1, $from to $to: learned" "$(inside "$from" ip route get "$(site_address "$to")" | grep -o 'mtu [0-9]*')" == "mtu $narrow"
		wgxdp show --json > "$work/shown"
		expect "$1, $from to $to: dropped" $(($(of_peers "$from" rx.dropped) - dropped)) == 44
		expect "$1, $from to $to: so far sent to it" "$(of_peers "$to" tx.forwarded)" == 0
		expect_sums
	done
	wgxdp down
}

choose_wireguard
rate=20000
[[ $WGXDP_WG == kernel ]] || rate=200 # wireguard-go's sockets hold two bursts, even if the machine is busy
network
on=relay
configuration > "$work/wgxdp.yaml"
[[ ! ${BREAK:-} ]] || for site in $sites; do inside relay ip link set "$(relay_device "$site")" mtu $((mtu[$site] - 1)); done

ends_leave off off
carries 'native XDP on nics' auto
ends_leave on off
carries 'tc, put together' tc
ends_leave on on
carries 'tc, as they were sent' tc
carries 'checksums undone, so XDP passes up' auto

try_narrow 'XDP passes up' auto
try_narrow 'tc' tc
expect 'packets between sites that the kernel would have forwarded' "$(inside relay nft list counter ip6 kernel forwarded |
	awk '$1 == "packets" {print $2}')" == 0
say "ok $total of $total datagrams came whole, 0 of them called too long ($WGXDP_WG)"
