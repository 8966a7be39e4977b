#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# vm
# One instance carries real clients with docs/examples/config/everything.yaml, which has every key of wgxdp.yaml(5).
# The test replaces its public keys, programs, one URL and one rate (configuration(), in together-network.sh), and
# compares the keys of both files. WireGuard clients ping through every service, over both families, through port
# ranges, from inside (hairpin), over a bridge and a VLAN. Sites ping through the relay and the blind relay. wgxdp's
# counters show that wgxdp forwarded the packets: the kernel's own forwarding is closed on this host, and counts what
# it refuses. The guard, its standby, the lists, the policy, endpoints, learn, knock, announce, ddns and the exporter
# each show that they act. BREAK=1 leaves out the relay and its policy, so that keys lack. BREAK=2 gives the backends
# of `several` each other's keys, so that pings get lost.
#
# The network is in together-network.sh.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/together-network.sh"

pinged=10

pings() { inside "${from_of[$1]}" ping -q -c 1 -W 6 "10.78.0.$1"; } # NUMBER
full_ping() { inside "${from_of[$1]}" ping -q -c 1 -W 6 -M 'do' -s $((1420 - 28)) "10.78.0.$1"; } # NUMBER: as long as the tunnel's MTU
forwarded() { shown get "services.$1.original.forwarded" "services.$1.reply.forwarded"; } # SERVICE
refused_by_kernel() { inside relay nft list counter inet shut refused | awk '$1 == "packets" {print $2}'; }
dropped() { shown reason original "$1"; } # REASON
dropped_at_least() { (($(dropped "$1") >= $2)); }
frames() { inside client "$udptool" send -n $pinged uplink "$(mac relay wan)" "$1:4000" "$2" > /dev/null; } # FROM TO

counted() { # WHAT BEFORE AFTER: each has two counters, one for each direction, and both must have counted the pings
	local old new i
	read -ra old <<< "$2"
	read -ra new <<< "$3"
	for i in 0 1; do expect "$1: forwarded, direction $((i + 1))" $((new[i] - old[i])) '>=' $pinged; done
}
carries() { # NUMBER SERVICE: the tunnel carries pings, and the service's counters have them
	local before lost
	before=$(forwarded "$2")
	lost=$(unanswered "${from_of[$1]}" "10.78.0.$1" -c $pinged -i 0.1 -W 6)
	((!lost)) || fail "$2, tunnel $1: $lost of $pinged pings had no answer; forwarded before: $before, now: $(forwarded "$2"); refused by the kernel: $(refused_by_kernel)"
	counted "$2, tunnel $1" "$before" "$(forwarded "$2")"
	full_ping "$1" > "$work/pings" || fail "$2, tunnel $1, a full packet: $(< "$work/pings")"
}

# --- the guard's standby and its challenge

on_standby() { wgxdp show metrics | awk '/^wgxdp_backend_on_standby.*"guarded"/ {print $2}'; }
standby_is() { [[ $(on_standby) == "$1" ]]; }
forged() { # RATE SECONDS: initiations with a right mac1 from 200 sources
	inside client "$root/selftests/lib/initiations.py" uplink "$(mac relay wan)" 10.0.0.1 200 198.51.100.1 51823 "$(key wge)" "$@" > /dev/null
}

# --- sites

of_peers() { shown get "peers.$1.rx.forwarded" "peers.$2.rx.forwarded"; }
of_pairs() { wgxdp show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(*(p["packets"] for p in sorted(json.load(sys.stdin)["site_pairs"], key=lambda p: p["from"])))'; }
site_pings() { inside "server-$1" ping -q -c 1 -W 1 "$overlay:$2::10"; } # SITE SITE
relay_carries() { # SITE SITE
	local before
	before=$(of_peers "site-$1" "site-$2")
	expect "the relay, $1 to $2: pings without an answer" "$(unanswered "server-$1" "$overlay:$2::10" -c $pinged -i 0.1 -W 6)" == 0
	counted "the relay, from $1 and from $2" "$before" "$(of_peers "site-$1" "site-$2")"
}
policy_refused() { (($(shown reason rx refused) == $1)); }
announced() { inside relay ip -6 route show table 700 proto 119 | sed -n 's/^\(fd[^ ]*\).*/\1/p' | xargs; }
announces() { [[ $(announced) == "$*" ]]; }

# --- endpoints, learn, ddns

up_is_at() { [[ $(endpoint_seen relay wgup wgvpn) == "$1" ]]; }
home_pings() { inside home ping -q -c 1 -W 1 10.79.0.1; }
has_run() { [[ -s $work/$1 ]]; } # NAME of a program
says() { [[ $(ask "$1" "$2") == "$3" ]]; } # NAME TYPE ANSWER: checks the name server's answer
live() { grep -qxF "$1" "$work/api/live"; } # LINE: OVH's name servers have it
scraped() { inside relay curl -sf --max-time 5 "http://127.0.0.1:9851$1"; } # PATH

together_network
configuration
for file in docs/examples/config/everything.yaml "$work/wgxdp.yaml"; do fy-tool --mode json "$file" > "$work/$(basename "$file").json"; done
same=$("$root/selftests/lib/same_keys.py" "$work/everything.yaml.json" "$work/wgxdp.yaml.json") || fail 'the configuration lacks keys of everything.yaml'
say "ok keys of everything.yaml that the configuration has: $same of $same"
start_daemon -c "$work/wgxdp.yaml"
expect 'modes of wan, lan and br-lan' "$(shown get interfaces.{wan,lan,br-lan}.mode)" == 'native native tc'

# --- unanswered initiations: once the daemon has seen enough, the standby of `guarded` serves
forged 30 2
wait_for 10 "the standby of 'guarded'" standby_is 1
say 'ok the standby serves'

declare -A from_of=()
while read -r n service from _; do
	[[ ! $n ]] || from_of[$n]=$from
done <<< "$tunnels_there"
wait_for 30 'the blind sites' all_authenticated 2
for n in "${!from_of[@]}"; do wait_for 10 "a handshake through tunnel $n" pings "$n"; done
for pair in 'a e' 'b a' 'e b'; do
	# shellcheck disable=SC2086
	wait_for 10 "a handshake between $pair" site_pings $pair
done
first_pings
refused_before=$(refused_by_kernel)
say "the kernel refused $refused_before packets while neighbours and handshakes began"

# --- every service
while read -r n service from _ device seen <&3; do
	[[ $n ]] || continue
	carries "$n" "$service"
	[[ $service != guarded ]] || device=wgs
	expect "$service, tunnel $n: $device sees" "$(address_seen "${host_of[$device]}" "$device" "wgc$n")" == "$seen"
done 3<<< "$tunnels_there"
expect 'keys-change: the translator at wg-end sees' "$(tail -n 1 "$work/from")" == 'client 192.168.1.1'
wgxdp show flows > "$work/flows"
for service in plain masquerades keys-change; do expect "$service: flows" "$(grep -c "^$service " "$work/flows")" '>=' 1; done

# keys-change: the server gets its new key
inside wg-end wg set wgk private-key "$work/new.key"
connects client 8 "$(< "$work/new.pub")" 127.0.0.1:51824
wait_for 10 'a handshake with the new key' pings 8
carries 8 keys-change

# plain: lists and MTU. The client 203.0.113.7 is not in `allow`; 198.51.100.66 is in `deny`.
before=$(dropped denied)
frames 198.51.100.66 198.51.100.1:51821
frames 203.0.113.7 198.51.100.1:20000
wait_for 5 'the lists' dropped_at_least denied $((before + 2 * pinged))
expect 'packets that the lists dropped' $(($(dropped denied) - before)) == $((2 * pinged))
inside relay ip route add 192.168.1.10/32 dev lan mtu lock 1400
long_ping() { inside client ping -q -c 1 -W 1 -s 1380 10.78.0.1; }
told() { # the daemon notices the route's MTU in a moment
	long_ping || :
	(($(dropped packet_too_big) >= 1))
}
wait_for 10 'df: report: the client was told' told
wait_for 10 'a ping longer than the way' long_ping
expect 'df: report: the client knows' "$(inside client ip route get 198.51.100.1 | grep -o 'mtu [0-9]*')" == 'mtu 1400'
inside relay ip route del 192.168.1.10/32 dev lan mtu lock 1400

# guarded: strangers, and a new handshake while the challenge requires a cookie
inside client "$root/selftests/lib/blind_say.py" uplink "$(mac relay wan)" 198.51.100.7:4000 198.51.100.1:51823 data 7
wait_for 5 'the strict guard drops data without a session' dropped_at_least guard_stranger 1
forged 300 4 &
wait_for 10 'the challenge' dropped_at_least guard_challenged 1
connects client 12 "$(key wge)" 198.51.100.1:51823
wait_for 20 'a handshake with a cookie' pings 12
wait $!
say "ok a new handshake of a client, beside $(dropped guard_challenged) initiations that were challenged"

# --- the relay: a site on a cable, a peer of its own, one by the kernel's routes; the policy; announced routes
relay_carries a b
relay_carries b e
relay_carries e a
start_listener server-b answers -e "[$overlay:b::10]:58001"
inside server-a "$udptool" ask -n $pinged -r 100 -w 3000 "[$overlay:a::10]:4000" "[$overlay:b::10]:58001" > "$work/asked"
expect 'the policy: answers from an allowed port' "$(said asked answered)" == $pinged
stop $!
before=$(shown reason rx refused)
inside server-a "$udptool" send -n $pinged eth0 "$(mac edge-a lan)" "[$overlay:a::10]:4000" "[$overlay:b::10]:22" > /dev/null
wait_for 5 'the policy refuses a port' policy_refused $((before + pinged))
say "ok packets that the policy refused: $pinged"
wait_for 10 'the announcement of site-a' announces "$overlay:a::/64"
say "ok announced: $(announced)"

# --- the blind relay
before=$(of_pairs)
expect "lost pings of $((2 * pinged)) between the blind sites" "$(ping_all -c $pinged -i 0.1 -W 6)" == 0
counted 'the blind relay, from c and from d' "$before" "$(of_pairs)"
inside server-c ping -q -c 1 -W 6 -M 'do' -s $((blind_mtu - 48)) "$overlay:d::10" > "$work/pings" || fail "a full packet: $(< "$work/pings")"

# --- this host's own WireGuard: an endpoint by name, IPv6 first, and the next address if that is silent; a learned
# endpoint; a knock
wait_for 30 'the endpoint of vpn.example.net' up_is_at "[2001:db8::40]:$port"
inside relay ping -q -c 3 -i 0.1 -W 6 10.80.0.2 > "$work/pings" || fail "wgup: $(< "$work/pings")"
inside vpn nft 'add table inet mute; add chain inet mute c { type filter hook input priority 0; }; add rule inet mute c ip6 daddr 2001:db8::40 drop'
wait_for 60 'the other address of vpn.example.net' up_is_at "198.51.100.40:$port"
inside relay ping -q -c 3 -i 0.1 -W 6 10.80.0.2 > "$work/pings" || fail "wgup by IPv4: $(< "$work/pings")"
say 'ok wgup: the address that answers'
wait_for 20 'the learnt endpoint of home' home_pings
expect "the endpoint of wghome's peer" "$(address_seen relay wghome wgaway)" == 198.51.100.30
inside home "$wgxdp" knock send 198.51.100.1 > /dev/null
wait_for 10 'the knock' has_run knocked
expect "the user of the knock's program" "$(< "$work/knocked")" == 'nobody '

# --- ddns and the exporter
wait_for 20 'the name of wan, by rfc2136' says fw.example.net A '198.51.100.1 300'
wait_for 20 "the name behind lan, by OVH's API" live 'wg-end AAAA 2001:db8:2::10 300'
wait_for 20 'a name by a program' has_run updated
expect 'user and arguments of the program' "$(head -n 1 "$work/updated")" == "$(id -un) other.example.net AAAA 2001:db8:2::1 300"
scraped /metrics > "$work/metrics" || fail 'the exporter'
for service in plain masquerades direct guarded keys-change several; do
	grep -q "service=\"$service\"" "$work/metrics" || fail "the exporter has nothing of $service"
done
scraped / > "$work/page" || fail 'the status page'
say "ok ddns by three providers; metrics: $(grep -vc '^#' "$work/metrics"), status page: $(wc -c < "$work/page") bytes"

# --- a minute after the standby began to serve, the daemon tries the backend of `guarded` again
wait_for 90 "the backend of 'guarded'" standby_is 0
connects client 12 "$(key wge)" 198.51.100.1:51823
wait_for 20 "a handshake with the backend of 'guarded'" pings 12
carries 12 guarded
expect 'guarded, tunnel 12: wge sees' "$(address_seen wg-end wge wgc12)" == 198.51.100.7

expect 'packets that the kernel would have forwarded since' "$(($(refused_by_kernel) - refused_before))" == 0
! inside client ping -q -c 1 -W 1 2001:db8:2::10 > "$work/pings" || fail 'the kernel forwards what is no service'
expect 'and with a ping outside the tunnels' "$(($(refused_by_kernel) - refused_before))" == 1
expect_sums
end_daemon
wgxdp down
tunnels=${#from_of[@]}
say "$tunnels tunnels through 6 services$(has_vlans || echo ' (this kernel has no VLANs)'), 3 pairs of sites at the relay, 1 at the blind relay"
