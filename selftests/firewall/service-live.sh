#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# vm
# The commands `service add|set|del` change a running instance from the next packet on, and lose no packet. A changed
# backend gets the next packet. Answers of the former backend are translated for three minutes, for each client from
# the port that it used. Under traffic nothing is lost. `save` keeps the changes as made by hand. BREAK=1 lets the
# three minutes pass at once.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan  -- 192.168.1.0/24 -- .10, .11 wg-end
#                   2001:db8:1::/64                .1 lan2 -- 192.168.2.0/24 -- .10 office
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

build_network() {
	firewall_network
	namespaces office
	cable firewall lan2 office eth2
	takes_xdp office eth2
	addresses firewall lan2 192.168.2.1/24
	addresses office eth2 192.168.2.10/24
	addresses wg-end eth 192.168.1.11/24
	gateways office 192.168.2.1
	quiet wg-end office client
	count_arrivals wg-end ten "ip daddr 192.168.1.10 udp dport $port"
	count_arrivals wg-end eleven "ip daddr 192.168.1.11 udp dport $port"
	count_arrivals office office "ip daddr 192.168.2.10 udp dport 4500"
	count_arrivals client from443 "ip saddr 198.51.100.1 udp sport 443"
	count_arrivals client from51820 "ip saddr 198.51.100.1 udp sport $port"
	count_arrivals client raw "ip saddr 192.168.0.0/16"
}

asks() { # NUMBER PORT [CLIENT'S-PORT]
	inside client "$udptool" send -n "$1" -r 10000 uplink "$(mac firewall wan)" "198.51.100.7:${3:-4000}" "198.51.100.1:$2" > /dev/null
}
answers() { # NAMESPACE DEVICE ROUTER'S-DEVICE FROM CLIENT'S-PORT: ten
	inside "$1" "$udptool" send -n 10 -r 10000 "$2" "$(mac firewall "$3")" "$4" "198.51.100.7:$5" > /dev/null
}

# NAMESPACE:COUNTER[=NUMBER]... -- COMMAND...: the command makes exactly these counters grow by ten (NUMBER)
gain() {
	local wanted=() all=(wg-end:ten wg-end:eleven office:office client:from443 client:from51820 client:raw) before=() i n
	while [[ $1 != -- ]]; do wanted+=("$1") && shift; done
	for i in "${all[@]}"; do before+=("$(arrived "${i%:*}" "${i#*:}")"); done
	"${@:2}"
	for i in "${!all[@]}"; do
		n=$(($(arrived "${all[i]%:*}" "${all[i]#*:}") - before[i]))
		if [[ " ${wanted[*]} " == *" ${all[i]} "* ]]; then
			((n == 10)) || fail "${*:2}: ${all[i]} counted $n, not 10"
		else
			((n == 0)) || fail "${*:2}: ${all[i]} counted $n"
		fi
	done
}

refused() { # STATUS WORDS ARGUMENT...
	local status=0
	wgxdp service "${@:3}" > "$work/out" 2>&1 || status=$?
	[[ $status == "$1" ]] || fail "service ${*:3}: status $status, expected $1: $(< "$work/out")"
	grep -qF -- "$2" "$work/out" || fail "service ${*:3}: '$2' is not in $(< "$work/out")"
}

words() {
	refused 1 'is not up' add a --listen wan --backend 192.168.1.10
	wgxdp up --wan wan --lan lan --to 192.168.1.10 --port "$port,443" > /dev/null
	refused 2 'a word is missing: write one of these after it: add, set, del, allow or deny'
	refused 2 'frob: this word is unknown: write add, set, del, allow or deny' frob wg-end
	refused 2 "the service's name is missing" add
	refused 2 "'wg-end' is not expected" del wg-end wg-end
	refused 2 '--backend is missing' add a --listen wan
	refused 2 'no change is given' set wg-end
	refused 2 'takes no options' del wg-end --port 1
	refused 2 'cannot be the name of a service' del 'a b'
	refused 2 "--port '0'" set wg-end --port 0
	refused 2 "':x' is not a port" set wg-end --backend 192.168.1.10:x
	refused 2 '--nat snat: this value is unknown: write dnat, none or masquerade' set wg-end --nat snat
	refused 2 '--listen: ' add a --backend 192.168.1.10
	refused 2 "--port: service 'wg-end' already listens on port 443 of wan" add a --listen wan --port 443 --backend 192.168.1.11
	refused 2 '--backend: ' set wg-end --backend 127.0.0.1
	refused 1 'there is no such service' set nosuch --port 1
	refused 1 'exists already' add wg-end --listen wan --backend 192.168.1.10
	refused 1 'is an address of this host' set wg-end --backend 192.168.1.1
	refused 2 'deny: wg-end: add or del must follow' deny wg-end 192.0.2.0/24
	refused 2 "the service's name or a prefix is missing" allow add wg-end
	refused 2 '192.0.2.1/24' allow add wg-end 192.0.2.1/24
	refused 2 '--refuse-others and --everyone are only for' set wg-end --port 1 --everyone
	refused 2 'takes no options' deny add wg-end 192.0.2.0/24 --port 1
	refused 2 '--backend 192.168.1.11 contradicts --no-ipv4' set wg-end --backend 192.168.1.11 --no-ipv4
	refused 1 'the backend would have no address left' set wg-end --no-ipv4
	! grep -q 'by-command' /run/wgxdp/default/running.yaml || fail 'a refused one was made'
	say 'ok what is wrong is refused, and changes nothing'
}

# Each option changes what it names, and the answer shows the former value
families() {
	changes 'backend ipv6 2001:db8:2::10 added' --backend 2001:db8:2::10
	changes 'backend ipv4 192.168.1.11, was 192.168.1.10' --backend 192.168.1.11
	changes 'nothing changed' --backend 192.168.1.11 --port "$port,443"
	changes 'backend ipv4 192.168.1.11 removed' --no-ipv4
	changes $'backend ipv6 2001:db8:2::10 removed\nservice wg-end: backend ipv4 192.168.1.10 added' --backend 192.168.1.10 --no-ipv6
	wgxdp up --wan wan --lan lan --to 192.168.1.10 --port "$port,443" > /dev/null
	say 'ok a change of one family keeps the other'
}
changes() { # ANSWER OPTION...
	wgxdp service set wg-end "${@:2}" > "$work/out" || fail "set ${*:2}: it fails"
	expect "set ${*:2}" "$(< "$work/out")" == "service wg-end: $1"
}

add_and_delete() {
	wgxdp service add office --listen 198.51.100.1 --port 1000 --backend 192.168.2.10:4500 > /dev/null
	gain office:office -- asks 10 1000
	grep -q 'by-command: true' /run/wgxdp/default/running.yaml || fail "not marked: $(< /run/wgxdp/default/running.yaml)"
	wgxdp save | wgxdp up -c - > "$work/out"
	expect 'save | up' "$(tail -n 1 "$work/out")" == 'the data path is up: nothing had to change'
	wgxdp service set office --port 1001 > /dev/null
	gain office:office -- asks 10 1001
	gain -- asks 10 1000
	wgxdp service del office > /dev/null
	gain -- asks 10 1001
	! wgxdp save | holds 'name: office' || fail 'it is still there'
	wgxdp service add office --listen 2001:db8:1::1 --port 1000 --backend 192.168.2.10,2001:db8:3::10 > /dev/null
	wgxdp service set office --nat none > /dev/null || fail 'IPv6 that was translated keeps it from being let through'
	wgxdp service set office --nat dnat --listen 2001:db8:1::1 > /dev/null
	wgxdp save | grep -A 5 'name: office' | holds 'ipv6: dnat' || fail "not translated: $(wgxdp save)"
	wgxdp service set office --listen 198.51.100.1 --port 1000 > /dev/null
	wgxdp save | grep -A 5 'name: office' | holds 'ipv6: direct' || fail "IPv6 is left over: $(wgxdp save)"
	{ wgxdp save; echo 'rates: [ { service: office, from: 100 Mbit/s }, { service: wg-end, from: 1 Gbit/s } ]'; } | wgxdp up -c - > /dev/null
	wgxdp service del office > /dev/null || fail 'its rate keeps it from being deleted'
	expect 'rates that are left' "$(wgxdp save | grep -o '[0-9]* [GM]bit/s')" == '1 Gbit/s'
	wgxdp save | sed '/^rates/,$d' | wgxdp up -c - > /dev/null
	say 'ok added, changed, deleted'
}

# Two clients use two ports, so that replies need the choice
former_backend() {
	asks 10 443 4001
	asks 10 $port 4000
	gain wg-end:ten -- asks 10 443 4001
	wgxdp service set wg-end --backend 192.168.1.11 > /dev/null
	gain wg-end:eleven -- asks 10 443 4001
	gain wg-end:eleven -- asks 10 $port 4000
	[[ ! ${BREAK:-} ]] || later
	gain client:from443 -- answers wg-end eth lan 192.168.1.10:$port 4001
	gain client:from51820 -- answers wg-end eth lan 192.168.1.10:$port 4000
	gain client:from443 -- answers wg-end eth lan 192.168.1.11:$port 4001
	gain client:from51820 -- answers wg-end eth lan 192.168.1.11:$port 4000
	wgxdp save | wgxdp up -c - > "$work/out"
	expect 'save | up, with answers of a former backend' "$(tail -n 1 "$work/out")" == 'the data path is up: nothing had to change'
	say 'ok the former backend still answers, from the port that each client had asked'
}

later() { # three minutes
	wgxdp save > "$work/saved"
	inside firewall unshare --time --boottime 181 --fork "$wgxdp" up -c "$work/saved" > "$work/out"
	[[ $(tail -n 1 "$work/out") != 'the data path is up: nothing had to change' ]] || fail 'nothing was taken away'
}

after_three_minutes() {
	later
	gain client:raw -- answers wg-end eth lan 192.168.1.10:$port 4001
	gain client:from443 -- answers wg-end eth lan 192.168.1.11:$port 4001
	wgxdp up -c "$work/saved" > "$work/out"
	expect 'then nothing is left to take away' "$(tail -n 1 "$work/out")" == 'the data path is up: nothing had to change'
}

# The daemon removes it by itself; two minutes and 57 seconds have passed for it already
daemon_takes_it_away() {
	wgxdp service set wg-end --backend 192.168.1.10 > /dev/null
	gain client:from443 -- answers wg-end eth lan 192.168.1.11:$port 4001
	wgxdp save > "$work/saved"
	start firewall unshare --time --boottime 177 --fork "$wgxdp" daemon -c "$work/saved" > "$work/daemon" 2>&1
	local daemon=$!
	wait_for 5 'the daemon follows' grep -q 'the daemon follows changes' "$work/daemon"
	wait_for 8 'the daemon takes the former backend away' former_is_gone
	gain client:raw -- answers wg-end eth lan 192.168.1.11:$port 4001
	gain client:from443 -- answers wg-end eth lan 192.168.1.10:$port 4001
	kill "$(pgrep -P $daemon)"
	wait $daemon || fail "the daemon ended with status $?"
	say 'ok the daemon takes it away by itself'
}
former_is_gone() {
	! former_is_there
}
former_is_there() { # its answer is translated
	local before
	before=$(arrived client raw)
	answers wg-end eth lan 192.168.1.11:$port 4001
	[[ $(arrived client raw) == "$before" ]]
}

# Each backend answers by its own lan; an answer by another lan would belong to none of the former backends
elsewhere() {
	wgxdp service set wg-end --backend 192.168.1.11 > /dev/null
	wgxdp service set wg-end --backend 192.168.2.10:4500 > /dev/null
	gain office:office -- asks 10 443 4001
	gain client:from443 -- answers wg-end eth lan 192.168.1.11:$port 4001
	gain client:from443 -- answers office eth2 lan2 192.168.2.10:4500 4001
	wgxdp service set wg-end --backend 192.168.1.10:$port > /dev/null
	gain wg-end:ten -- asks 10 443 4001
	for from in "wg-end eth lan 192.168.1.10:$port" "wg-end eth lan 192.168.1.11:$port" 'office eth2 lan2 192.168.2.10:4500'; do
		# shellcheck disable=SC2086 # words
		gain client:from443 -- answers $from 4001
	done
	wgxdp service set wg-end --port 444 > /dev/null # the listener is gone, and with it its answers
	gain client:raw -- answers office eth2 lan2 192.168.2.10:4500 4001
	wgxdp service set wg-end --port "443,$port" > /dev/null
	say 'ok backends in several places'
}

# The receivers count: no packet is lost, and after the command no packet goes to the former backend
under_traffic() {
	local moved=0 before after
	before=$(arrived wg-end ten eleven)
	sends 10000 -r 2000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:443
	while still_sends $moved 11; do
		wgxdp service set wg-end --backend 192.168.1.1$((moved++ % 2 ? 0 : 1)) > /dev/null
		after=$(arrived wg-end "$( ((moved % 2)) && echo ten || echo eleven)")
		sleep 0.05
		expect 'to the former one, after the command' "$(arrived wg-end "$( ((moved % 2)) && echo ten || echo eleven)")" == "$after"
	done > "$work/moves"
	((moved > 10)) || fail "moved $moved times"
	expect_sums
	expect "lost of $sent while the backend changed $moved times" $((sent + before - $(arrived wg-end ten eleven))) == 0
}

build_network
words
families
add_and_delete
former_backend
after_three_minutes
daemon_takes_it_away
elsewhere
under_traffic
