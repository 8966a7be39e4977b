#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1500
# When memory runs out, each command ends completely or with an error that names the cause, and what runs keeps
# running. Memory runs out once (nomemory.so lets one allocation fail) or for good (all later ones fail too). The test
# does this for each chain of calls that allocates in `up` from nothing, `down`, `reload` to another configuration
# under traffic, `show`, `save`, `check`, `gen` and a starting daemon. Each command ends completely, or with an error
# that names the cause. None crashes, except within libfyaml, which does not check (counted). A refused `up` leaves
# nothing. A refused reload leaves the running configuration, and no packet is lost. A command that reports success
# has written all of its output. A daemon that ended leaves a whole instance, or none, and `down` removes it.
#
# There are more chains than the time allows. Each command tries as many as fit into its share of $WGXDP_SECONDS (480;
# 0: all of them), in random order. The test prints $WGXDP_SEED, which repeats the order. $WGXDP_ONLY runs this part
# alone. BREAK=1 makes the failed allocations crash the program, as if it did not check for NULL. BREAK=2 makes `save`
# and `gen` leave out a line. Both must be found.
#
#     the network is that of faults.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/faults.sh"

seconds=${WGXDP_SECONDS:-480}
seed=${WGXDP_SEED:-$RANDOM}

# Prints the functions of the program in $work/where that asked for the memory, innermost first
wanted_by() {
	sed -n 's,.*/wgxdp(+\(0x[0-9a-f]*\)).*,\1,p' "$work/where" | addr2line -fse "$wgxdp" | paste -sd '  \n' | grep -v '??' | head -n 6
}

by_chance() { shuf --random-source=<(yes "$seed"); }

# ON COMMAND...: writes the numbers of the allocations to try, for both ways, to $work/places
places() {
	rm -f "$work/found"
	start "$1" env LD_PRELOAD="$nomemory" NOMEMORY_PLACES=1 NOMEMORY_OUT="$work/found" "$wgxdp" "${@:2}" > "$work/out" 2>&1
	local pid=$!
	if [[ $2 == daemon ]]; then
		wait_for 60 'a daemon follows' grep -q 'the daemon follows changes' "$work/out"
		kill "$(pgrep -x wgxdp)"
	fi
	wait $pid || fail "${*:2}: $(< "$work/out")"
	awk '$1 == "place" {print "AT", $2; print "FROM", $2}' "$work/found" | by_chance > "$work/places"
}

# PART COMMAND...: tries its allocations by try_PART, which uses $how, the number $n, and the description $trial
try_all() {
	local part=$1 share until how n all count=0
	[[ ! ${WGXDP_ONLY:-} || $part == "$WGXDP_ONLY" ]] || return 0
	share=$((seconds * ${shares[$part]} / 100))
	library=0
	before_"$part"
	places firewall "${@:2}"
	all=$(wc -l < "$work/places")
	between_"$part"
	until=$((SECONDS + share))
	while read -r how n <&4; do
		((seconds == 0 || SECONDS < until || count < 10)) || break
		trial="${part//_/ }: no memory $how $n"
		try_"$part" "${@:2}"
		count=$((count + 1))
	done 4< "$work/places"
	after_"$part"
	no_traces firewall "$work/nothing" "${part//_/ }"
	say "ok ${part//_/ }: $count of $all$( ((!library)) || echo ", of which ended by libfyaml: $library")"
}

broken=''
[[ ${BREAK:-} != 1 ]] || broken=1

# Sets $status to the result of a command with a failed allocation. Its output is in $work/out and $work/error. libfyaml
# does not check the texts that it allocates, and ends the program there. This counts as a refusal, like a kill: nothing
# is left half done.
ended() {
	status=$1
	if ((status == 139)) && [[ ! $broken ]] && sed -n '/^crashed:/,$p' "$work/error" | sed -n 2p | holds 'libfyaml.*(fy_parse_input_append'; then
		library=$((library + 1))
		status=1
		return
	fi
	if ((status > 3)) || grep -q '^crashed:' "$work/error"; then
		fail "$trial: status $status, $(tail -n 12 "$work/error"), wanted by $(wanted_by)"
	fi
	((status == 0)) || [[ -s $work/error ]] || fail "$trial: status $status, and not a word; wanted by $(wanted_by)"
	((status == 0)) || grep -qE 'memory|libelf' "$work/error" ||
		fail "$trial: status $status, and what it says is not what is wrong: $(head -n 5 "$work/error"), wanted by $(wanted_by)"
}
hurt_wgxdp() {
	local rc=0
	: > "$work/where"
	inside firewall timeout -s ABRT 300 env LD_PRELOAD="$nomemory" "NOMEMORY_$how=$n" ${broken:+NOMEMORY_CRASHES=1} NOMEMORY_WHERE="$work/where" \
		"$wgxdp" "$@" > "$work/out" 2> "$work/error" || rc=$?
	ended $rc
}

nothing_left() { # WHEN: faster than no_traces, which comes after all trials
	local deadline=$((SECONDS + 10))
	until here | diff "$work/here" - > "$work/traces"; do
		((SECONDS < deadline)) || fail "$1: this is left: $(< "$work/traces")"
		sleep 0.05
	done
}
here() {
	find /sys/fs/bpf -path '*/wgxdp*' | sort
	find /run/wgxdp /run/state -mindepth 1 ! -name lock 2> /dev/null | sort
	inside firewall tc qdisc show
	inside firewall ip link show | grep -o 'prog/xdp id [0-9]*' || :
	pgrep -x wgxdp || :
}

forwards() { # WHEN
	local before
	before=$(arrived wg-end four)
	inside client "$udptool" send -n 10 -r 10000 uplink "$wan_mac" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	(($(arrived wg-end four) == before + 10)) || fail "$1: not forwarded"
}

# --- up from nothing

before_up() { :; }
between_up() { wgxdp down; }
try_up() {
	hurt_wgxdp "$@"
	if ((status == 0)); then
		forwards "$trial"
		wgxdp down
	fi
	nothing_left "$trial"
}
after_up() { :; }

before_up_of_everything() { :; }
between_up_of_everything() { wgxdp down; }
try_up_of_everything() { try_up "$@"; }
after_up_of_everything() { :; }

# --- down

before_down() { wgxdp up -c "$work/one.yaml" > /dev/null; }
between_down() { :; }
try_down() {
	wgxdp up -c "$work/one.yaml" > /dev/null
	hurt_wgxdp "$@"
	((status == 0)) || wgxdp down || fail "$trial: down after one that was refused: $(< "$work/error")"
	nothing_left "$trial"
}
after_down() { :; }

# --- reload, under traffic

before_reload() {
	local one
	for one in b a; do
		wgxdp up -c "$work/$one.yaml" > /dev/null
		wgxdp save > "$work/is-$one"
	done
	runs=a other=b
}
between_reload() {
	runs=b other=a
	streams_begin 20000 2000
}
try_reload() {
	local was=$runs
	streaming || { streams_end "$trial, so far" && streams_begin 20000 2000; }
	hurt_wgxdp reload -c "$work/$other.yaml"
	wgxdp save > "$work/saved" 2> "$work/said" || fail "$trial: save: $(< "$work/said")"
	((status != 0)) || { runs=$other other=$was; }
	cmp -s "$work/saved" "$work/is-$runs" || fail "$trial: status $status, $(< "$work/error"), and this runs: $(diff "$work/is-$runs" "$work/saved" | head -n 12), wanted by $(wanted_by)"
	wgxdp up -c "$work/saved" > "$work/out" 2>&1 || fail "$trial: up with what was saved: $(< "$work/out")"
	((status != 0)) || [[ $(tail -n 1 "$work/out") == 'the data path is up: nothing had to change' ]] ||
		fail "$trial: done, and what runs is not what is saved: $(tail -n 1 "$work/out"), wanted by $(wanted_by)"
}
after_reload() {
	streams_end 'reload, at last'
	wgxdp down
}

# --- reading commands: a table of their output without faults, without counters

# GnuTLS itself reports a lack of memory when libmicrohttpd is loaded
settled() { sed '/^Error in GnuTLS initialization/d; s/[0-9]\+/N/g' "$1"; }
before_read() { wgxdp up -c "$work/a.yaml" > /dev/null; }
between_read() {
	cp "$work/out" "$work/whole"
	wgxdp "${reader[@]}" > "$work/out" 2>&1
	settled "$work/out" | diff - <(settled "$work/whole") > /dev/null || fail "${reader[*]} says other things each time"
}
try_read() {
	hurt_wgxdp "$@"
	[[ ${BREAK:-} != 2 ]] || sed -i 2d "$work/out"
	((status != 0)) || grep -qi memory "$work/error" || cat "$work/out" "$work/error" | settled /dev/stdin | diff <(settled "$work/whole") - > "$work/differs" ||
		fail "$trial: done, and not all is told: $(head -n 20 "$work/differs"), wanted by $(wanted_by)"
}
after_read() { wgxdp down; }
reads() { # PART COMMAND...
	local part=$1 step
	shift
	reader=("$@")
	for step in before between after; do eval "${step}_$part() { ${step}_read; }"; done
	eval "try_$part() { try_read \"\$@\"; }"
	try_all "$part" "$@"
}

# --- gen: files of a changed topology, $topology

files() { (cd "$1" && find . -type f -exec sha256sum {} +) | LC_ALL=C sort; }
before_gen() {
	rm -rf "$work"/{was,is,gen}
	"$wgxdp" gen hosts "$topology" -o "$work/was" > /dev/null
	sed 's/51820/51920/; s/ns.example.net/ns2.example.net/' "$topology" > "$work/changed.yaml"
	cp -a "$work/was" "$work/gen"
}
between_gen() {
	cp -a "$work/gen" "$work/is"
	! diff -r "$work/was" "$work/is" > /dev/null || fail 'the topology that changed makes the same files'
	{ files "$work/was" && files "$work/is"; } | LC_ALL=C sort -u > "$work/right"
}
try_gen() {
	rm -rf "$work/gen"
	cp -a "$work/was" "$work/gen"
	hurt_wgxdp "$@"
	[[ ${BREAK:-} != 2 ]] || find "$work/gen" -name '*.network' -exec sed -i 2d {} +
	if ((status == 0)); then
		diff -r "$work/is" "$work/gen" > "$work/differs" || fail "$trial: done, and not as it should be: $(head -n 20 "$work/differs")"
		return
	fi
	files "$work/gen" | LC_ALL=C comm -23 - "$work/right" > "$work/differs"
	[[ ! -s $work/differs ]] || fail "$trial: half of a file, or one too many: $(< "$work/differs")"
	"$wgxdp" gen hosts "$work/changed.yaml" -o "$work/gen" > /dev/null 2>&1 || fail "$trial: gen after one that was refused"
	diff -r "$work/is" "$work/gen" > "$work/differs" || fail "$trial: and gen again: $(head -n 20 "$work/differs")"
}
after_gen() { :; }
for step in before between try after; do eval "${step}_gen_ddns() { ${step}_gen \"\$@\"; }"; done

# --- a starting daemon, which is ended once it follows

before_daemon() { :; }
between_daemon() { wgxdp down; }
follows_or_ended() { grep -q 'the daemon follows changes' "$work/error" "$work/out" || ! kill -0 "$1"; }
try_daemon() {
	local runner pid rc=0
	: > "$work/where"
	start firewall env LD_PRELOAD="$nomemory" "NOMEMORY_$how=$n" ${broken:+NOMEMORY_CRASHES=1} NOMEMORY_WHERE="$work/where" "$wgxdp" "$@" \
		> "$work/out" 2> "$work/error"
	runner=$!
	wait_for 60 "$trial: the daemon follows, or ends" follows_or_ended $runner
	! kill -0 $runner 2> /dev/null || forwards "$trial"
	! pid=$(pgrep -x wgxdp) || kill "$pid" 2> /dev/null || :
	wait_for 20 "$trial: the daemon ends: $(wanted_by)" gone $runner
	wait $runner || rc=$?
	ended $rc
	wgxdp save > "$work/saved" 2> "$work/said" || grep -q 'is not up' "$work/said" || fail "$trial: save: $(< "$work/said")"
	[[ -s $work/said ]] || forwards "$trial: it is up"
	wgxdp down || fail "$trial: down"
	nothing_left "$trial, and down"
}
after_daemon() { :; }

# shellcheck disable=SC2034 # of the time, in %
declare -A shares=([up]=14 [up_of_everything]=14 [down]=14 [reload]=20 [show]=4 [show_json]=4 [save]=3 [check]=3 [gen]=4 [gen_ddns]=2 [daemon]=18)

everything_network tunnel
everything > "$work/a.yaml"
everything changed > "$work/b.yaml"
service_file dnat
cp "$work/wgxdp.yaml" "$work/one.yaml"
wgxdp up -c "$work/one.yaml" > /dev/null
wgxdp down
traces firewall > "$work/nothing"
here > "$work/here"
say "seed $seed"
try_all up up -c "$work/one.yaml"
try_all up_of_everything up -c "$work/a.yaml"
try_all down down
try_all reload reload -c "$work/b.yaml"
reads show show
reads show_json show --json
reads save save
reads check check -c "$work/a.yaml"
topology=docs/examples/topology/two-sites.yaml
try_all gen gen hosts "$work/changed.yaml" -o "$work/gen"
topology=docs/examples/topology/firewall.yaml
try_all gen_ddns gen hosts "$work/changed.yaml" -o "$work/gen"
try_all daemon daemon -c "$work/one.yaml"
