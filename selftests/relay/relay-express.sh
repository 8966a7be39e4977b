#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The express path carries nearly all packets between two sites, and 100 ms after any change none goes the old way.
# The express path between two sites on nics, at 4,000 packets/s ($RATE) and their answers. It carries nearly all of
# them, and both peers count all of them. Then something changes, again and again, at 1,000 packets/s: 100 ms later no
# packet goes the old way any more. BREAK=1: see selftests/lib/express.sh.
#
#     a eth -- la relay lb -- eth b       fd12:3456:789a:X::/64 each, the relay's ::1, the host's ::10
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/express.sh"

on=relay
rate=${RATE:-4000}
overlay=fd12:3456:789a
host() { inside relay "$@"; }
config() { # [PORTS [PREFIX-OF-A]]
	cat > "$work/wgxdp.yaml" <<- EOF
		peers:
		  - { name: site-a, device: la, prefixes: [ "${2:-$overlay:a::/64}" ] }
		  - { name: site-b, device: lb, prefixes: [ "$overlay:b::/64" ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ ${1:-58000-60000} ] }
	EOF
}
reload() { config "$@" && wgxdp reload -c "$work/wgxdp.yaml" > "$work/reload" 2>&1; }
sends() { # TENTHS of a second
	inside a "$udptool" send -n $(($1 * rate / 10)) -r "$rate" eth "$relay_mac" "[$overlay:a::10]:40000" "[$overlay:b::10]:58001" > /dev/null
}
forwarded() { # rx|tx: of both peers
	wgxdp show peers --json | "$build/selftests/shown" get "peers.0.$1.forwarded" "peers.1.$1.forwarded"
}

namespaces a b relay
routers relay
sites_on_nics a b
relay_mac=$(mac relay la)
quiet a b
count_arrivals b came 'udp dport 58001'
count_arrivals a back 'udp dport 40000'
inside relay nft 'add table inet shut; add chain inet shut forward { type filter hook forward priority 0; policy drop; }' # the kernel forwards none
config
start_daemon -c "$work/wgxdp.yaml"
start_listener b listener -e "[$overlay:b::10]:58001"

all_back() { (($(arrived a back) - back >= rate)); }
back=0
sends 10
wait_for 5 'all answers' all_back
before=$(hits) came=$(arrived b came) back=$(arrived a back)
read -r rx _ <<< "$(forwarded rx)"
sends 10
expect 'packets that arrived' $(($(arrived b came) - came)) == "$rate"
wait_for 5 'all answers' all_back
expect 'share of the express path in both directions, in percent' $((($(hits) - before) * 100 / (2 * rate))) '>=' 95
expect 'packets that peer site-a is counted for' $(($(forwarded rx | cut -d ' ' -f 1) - rx)) == "$rate"
expect 'packets from the peers and to them' "$(forwarded rx | tr ' ' '\n' | sort | xargs)" == "$(forwarded tx | tr ' ' '\n' | sort | xargs)"
expect_sums

seen=(b came)
goes_old_way() {
	local n back
	n=$(arrived b came) back=$(arrived a back)
	nap 0.1
	(($(arrived b came) - n >= rate / 20 && $(arrived a back) - back >= rate / 20))
}
back() { # COMMAND...: undo the change, and wait until the old way is learned again
	"$@"
	reload
	wait_for 10 'the old way again' goes_old_way
}
rate=$((rate / 4))
start a "$udptool" send -n 1000000 -r $rate eth "$relay_mac" "[$overlay:a::10]:40000" "[$overlay:b::10]:58001" > /dev/null

changes 'a port that the policy does not list' reload 59000
back true
changes 'a source that no peer has' reload 58000-60000 "$overlay:aa::/64"
back true
changes 'a peer that is gone' wgxdp peer del site-b
back true
changes 'a prefix of another peer' wgxdp route add "$overlay:b::10/128" site-a
back wgxdp route del "$overlay:b::10/128"
changes 'a route' host ip route add blackhole $overlay:b::10
back host ip route del blackhole $overlay:b::10
changes 'a rule' host ip -6 rule add to $overlay:b::/64 blackhole
back host ip -6 rule del to $overlay:b::/64 blackhole
changes "a neighbour's MAC" host ip neighbour replace $overlay:b::10 dev lb lladdr 02:00:00:00:00:99 nud permanent
back host ip neighbour replace $overlay:b::10 dev lb lladdr "$(mac b eth)" nud reachable
changes 'our own MAC' host ip link set la address 02:00:00:00:00:77
back host ip link set la address "$relay_mac"
changes 'no forwarding' host sysctl -qw net.ipv6.conf.all.forwarding=0
back host sysctl -qw net.ipv6.conf.all.forwarding=1
seen=(a back)
changes 'answers of a peer that is gone' wgxdp peer del site-a
back true
