#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# A good configuration in etcd runs on all three relays, and a bad one or a failed etcd changes none. Three relays
# whose configuration is in a real etcd, each with wgxdp-etcd. A good revision runs on all of them, and packets follow
# it. A bad one changes none: no YAML, an unknown key, a contradiction, half a file, random bytes, an empty value, or
# no key. The output of `show` and `save`, every map, the programs and the file for the next boot stay, no packet is
# lost, and the log and the metric report it. etcd is killed, a relay is cut off from it while etcd compacts its
# history, and a watcher is missing: the running configuration stays, and missed revisions come afterwards. BREAK=1
# writes a revision that is not bad.
#
#     client uplink ---- wan firewall lan ---- eth wg-end        three times, a, b and c
#                            mgmt 198.18.0.x
#                             |
#                            etcd 198.18.0.9
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

relays=(a b c)
rate=500 # packets a second, of each relay
prefix=/wgxdp/relays/

# --- etcd

export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=http://198.18.0.9:2379
etcdctl() { inside etcd env etcdctl "$@"; }
etcd_begins() {
	start etcd etcd --data-dir "$work/etcd" --listen-client-urls http://198.18.0.9:2379 --advertise-client-urls http://198.18.0.9:2379 \
		--listen-peer-urls http://127.0.0.1:2380 --log-level error > "$work/etcd.log" 2>&1
	etcd=$!
	wait_for 20 'etcd' etcdctl endpoint health
}
etcd_dies() {
	kill -KILL "$etcd"
	wait "$etcd" 2> /dev/null || :
}
put() { etcdctl put "$prefix$1" > /dev/null; } # KEY < VALUE
put_exporter() { echo 'exporter: { listen: [ "127.0.0.1:9851" ] }' | put 90-exporter; }

# --- relays

services() { # PORT...
	local p
	echo 'services:'
	for p; do echo "  - { name: s$p, listen: { interface: wan, ports: [ $p ] }, backend: { ipv4: 192.168.1.10, port: $p } }"; done
}
watcher() { # RELAY OPTION...
	start "${1}firewall" env WGXDP="$wgxdp" scripts/wgxdp-etcd --instance "$1" --file "$work/$1.yaml" "${@:2}" $prefix >> "$work/$1.log" 2>&1
	watchers[$1]=$!
}
watcher_ends() { # RELAY
	kill "${watchers[$1]}"
	wait "${watchers[$1]}" || :
}
on_relay() { inside "${1}firewall" "$wgxdp" --instance "$1" "${@:2}"; }
relay() { # NAME NUMBER
	firewall_network "$1"
	ip link add mgmt netns "${1}firewall" type veth peer name "port-$1" netns etcd
	inside etcd ip link set "port-$1" master br0 up
	inside "${1}firewall" ip link set mgmt up
	addresses "${1}firewall" mgmt "198.18.0.$2/24"
	count_arrivals "${1}wg-end" more "udp dport 443"
	start_listener "${1}wg-end" "$1-received" -e 192.168.1.10:$port
}
begins() { # RELAY
	start "${1}firewall" "$wgxdp" --instance "$1" daemon -c "$work/$1.yaml" > "$work/$1.daemon" 2>&1
	wait_for 30 "the daemon of $1" grep -q 'the daemon follows changes' "$work/$1.daemon"
}

says() { [[ $(grep -c "$2" "$work/$1.log") -ge $3 ]]; } # RELAY TEXT TIMES
all_say() { # TEXT TIMES
	local r
	for r in "${relays[@]}"; do says "$r" "$@" || return; done
}
has_port() { on_relay "$1" save | holds "ports: \[ $2 \]"; } # RELAY PORT
has_no_port() { ! has_port "$@"; }
all_have() { # PORT
	local r
	for r in "${relays[@]}"; do has_port "$r" "$1" || return; done
}
takes_443() { # RELAY: prints how many of ten packets pass
	local before
	before=$(arrived "${1}wg-end" more)
	inside "${1}client" "$udptool" send -n 10 -r 1000 uplink "$(mac "${1}firewall" wan)" 198.51.100.7:4000 198.51.100.1:443 > /dev/null
	echo $(($(arrived "${1}wg-end" more) - before))
}
each_takes() { # WHEN PACKETS
	local r
	for r in "${relays[@]}"; do expect "packets of 10 to port 443 at $r, $1" "$(takes_443 "$r")" == "$2"; done
}
one_etcdctl() { [[ $(ip netns pids "${1}firewall" | xargs ps -o comm= -p | grep -c etcdctl) == 1 ]]; } # RELAY
metric() { # RELAY
	inside "${1}firewall" curl -sf http://127.0.0.1:9851/metrics | awk '$1 == "wgxdp_config_last_reload_successful" {print $2}'
}
none_failed() { [[ $(metric a) == 1 && $(metric b) == 1 && $(metric c) == 1 ]]; }
metric_is() { [[ $(metric "$1") == "$2" ]]; }
each_metric() { # WHEN VALUE: the exporter may still have the page of a second ago
	local r
	for r in "${relays[@]}"; do
		wait_for 2 "last reload successful at $r, $1: $2" metric_is "$r" "$2"
		expect "last reload successful at $r, $1" "$(metric "$r")" == "$2"
	done
}
as_it_is() { # RELAY: without traffic
	on_relay "$1" show --json
	on_relay "$1" save
	"$build/selftests/mapsum" "$1"
	bpf_objects "$1"
	cat "$work/$1.yaml"
}

traffic() { # SECONDS, at each relay
	local r
	each_asks=$(($1 * rate))
	lost_of=$((lost_of + ${#relays[@]} * each_asks))
	asking=()
	for r in "${relays[@]}"; do
		start "${r}client" "$udptool" ask -n $each_asks -r $rate -w 3000 198.51.100.7:4000 198.51.100.1:$port > "$work/$r-asked"
		asking+=($!)
	done
}
lost_nothing() { # WHAT
	local r
	all_run "${asking[@]}" || fail "$1: the traffic was over before"
	wait "${asking[@]}" || :
	for r in "${relays[@]}"; do expect "$1: answered at $r" "$(said "$r-asked" answered)" == $each_asks; done
}
declare -A watchers=() poll=([a]=2 [b]=600 [c]=600) # b and c depend on etcd's notifications
lost_of=0

# Bad revisions, and how many were refused; each waits until all relays have refused it
refused=0
bad() { # WHAT [VALUE]
	refused=$((refused + 1))
	if [[ ${BREAK:-} && $refused == 3 ]]; then
		services $port 444 | put 10-services
		wait_for 30 'a revision that is not bad' all_have 444
		refused=2 BREAK=''
		return
	fi
	put 10-services <<< "${2:-}"
	wait_for 30 "$1, refused by all" all_say 'is refused: the running configuration stays' $refused
}
all_that_is_bad() {
	bad 'no YAML' 'services: [ {'
	bad 'an unknown key' "$(services $port | sed 's/listen/listem/')"
	bad 'a contradiction' "$(services $port && services $port | sed '1d; s/name: s/name: again/')"
	bad 'a half of it' "$(services $port 443 444 | head -c 150)"
	bad 'a value' "$(services 99999)"
	bad 'bytes' "$(head -c 3000 /dev/zero | tr '\0' '\377')"
	bad 'an end that is missing, before the other key' 'exporter: {'
	bad 'a key that another key has too' 'exporter: { listen: [ "127.0.0.1:9852" ] }'
}
no_key() {
	refused=$((refused + 1))
	etcdctl del --prefix $prefix > /dev/null
	wait_for 30 'no key at all, refused by all' all_say 'is refused: the running configuration stays' $refused
	bad 'a key of nothing but white space' ' '
}

namespaces etcd
bridge_with_address etcd br0 198.18.0.9/24
for n in 0 1 2; do relay "${relays[n]}" $((n + 1)); done
! inside afirewall env WGXDP="$wgxdp" scripts/wgxdp-etcd --once $prefix > "$work/out" 2>&1 || fail 'done without an etcd'
grep -q 'etcd does not answer' "$work/out" || fail "it says $(< "$work/out")"
etcd_begins
! inside afirewall env WGXDP="$wgxdp" scripts/wgxdp-etcd --once $prefix > "$work/out" 2>&1 || fail 'done with an etcd that has nothing'
[[ ! -e /sys/fs/bpf/wgxdp/default ]] || fail 'nothing was brought up'
services $port | put 10-services
put_exporter
for r in "${relays[@]}"; do
	watcher "$r" --once
	wait "${watchers[$r]}" || fail "--once: $(< "$work/$r.log")"
	begins "$r"
	watcher "$r" --poll "${poll[$r]}"
done
wait_for 30 'all watchers' all_say 'runs now' 2

each_takes 'before' 0
traffic 6
from=$(ms)
services $port 443 | put 10-services
wait_for 30 'a good revision at all' all_have 443
say "ok a good revision runs at all three after $(($(ms) - from)) ms"
each_takes 'with it' 10
lost_nothing 'a good revision'
each_metric 'with it' 1
for r in "${relays[@]}"; do
	cmp -s <(tail -n +2 "$work/$r.yaml" | grep .) <(services $port 443; echo 'exporter: { listen: [ "127.0.0.1:9851" ] }') || fail "not in the file: $(< "$work/$r.yaml")"
done

# bad revisions, first without traffic and then with it
for r in "${relays[@]}"; do as_it_is "$r" > "$work/$r-was"; done
all_that_is_bad
no_key
for r in "${relays[@]}"; do
	as_it_is "$r" | diff "$work/$r-was" - > "$work/differs" || fail "$r: a bad revision has changed: $(< "$work/differs")"
	say "ok $r is as it was, through $refused bad revisions: $(grep -c . "$work/$r-was") lines of maps and all the rest"
done
each_metric 'after a bad one' 0
traffic 40
services $port 443 | put 10-services # this revision alone is good
put_exporter
wait_for 30 'a good one again' none_failed
all_that_is_bad
each_takes 'after bad ones' 10
each_metric 'after bad ones' 0
lost_nothing 'bad revisions'
services $port 444 | put 10-services
wait_for 30 'a good one' all_have 444
each_takes 'which it does not have any more' 0

# etcd is killed, and comes back
traffic 40
etcd_dies
wait_for 20 'the watcher with a short poll reports it' says a 'etcd does not answer, the running configuration stays' 1
each_metric 'without etcd' 1
etcd_begins
services $port 445 | put 10-services
wait_for 20 'a revision of after etcd died' all_have 445
says a 'etcd answers again' 1 || fail "it says $(< "$work/a.log")"
lost_nothing 'etcd killed, and begun again'

# one relay is cut off, and etcd has compacted the history that it missed
traffic 40
inside etcd ip link set port-c down
services $port 446 | put 10-services
wait_for 30 'a revision at a' has_port a 446
wait_for 30 'a revision at b' has_port b 446
has_no_port c 446 || fail 'a relay that is cut off has it too'
services $port 447 | put 10-services
etcdctl compact "$(etcdctl get $prefix --prefix -w json | grep -oE '"revision":[0-9]+' | cut -d : -f 2)" > /dev/null
sleep 7 # etcdctl notices after six seconds, by --keepalive-timeout
inside etcd ip link set port-c up
from=$(ms)
wait_for 20 'the missed revision' has_port c 447
say "ok a relay that was cut off has the missed revision after $(($(ms) - from)) ms"
lost_nothing 'a relay cut off from etcd'

# a missing watcher
watcher_ends b
services $port 448 | put 10-services
wait_for 30 'a revision at a' has_port a 448
has_no_port b 448 || fail 'without a watcher too'
watcher b --poll 600
wait_for 30 'the missed revision' has_port b 448
wait_for 30 'it has ended its etcdctl' one_etcdctl b

# no room for the next boot's file: the former one stays
watcher_ends a
mkdir "$work/small"
mount -t tmpfs -o size=8k none "$work/small"
takes_once() { inside afirewall env WGXDP="$wgxdp" scripts/wgxdp-etcd --instance a --once --file "$work/small/a.yaml" $prefix > "$work/out" 2>&1; }
takes_once || fail "it says $(< "$work/out")"
cp "$work/small/a.yaml" "$work/was"
mapfile -t many < <(seq 1000 1100)
services $port "${many[@]}" | put 10-services
takes_once || fail "without room for the file it says $(< "$work/out")"
has_port a 1100 || fail 'without room for the file it does not run'
grep -q 'cannot write .*the next boot has an older configuration' "$work/out" || fail "without room it says $(< "$work/out")"
cmp "$work/was" "$work/small/a.yaml" || fail 'half of a file for the next boot'
[[ $(ls "$work/small") == a.yaml ]] || fail "files are left: $(ls "$work/small")"
say "0 of $lost_of packets lost, $refused bad revisions refused by each of ${#relays[@]} relays"
