#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# `import --compare` finds for each set of rules in tests/import that the imported configuration differs only where the
# expected file says so (import.sh compares its answers with real packets). It names each of the mistakes that are put
# into imported configurations here. It needs neither root nor the rules in the kernel; only nft needs a namespace, to
# write its JSON. BREAK=1 compares each set with a configuration whose backend has another port.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# Puts what import reads into $work.
write_rules() { # FILE
	local name=${1##*/} device
	[[ ! -e $work/$name ]] || return 0
	cp "$1" "$work/$name"
	[[ $1 == *.nft ]] || return 0
	ip -all netns del
	namespaces firewall
	for device in eth0 br-lan docker0 vps wg0; do
		inside firewall ip link add "$device" type veth peer name "$device-end"
	done
	inside firewall nft -f "$1"
	inside firewall nft -j list ruleset > "$work/$name"
}

arguments_of() { # EXPECTED: sets $arguments, without --wan for the file
	read -ra arguments <<< "$(sed -n '2s/^# wgxdp import//p' "$1")"
}

compare() { # ARGUMENT...: runs import --compare in $work; sets $status
	status=0
	(cd "$work" && "$wgxdp" import --compare "$@") > "$work/said" 2> "$work/errors" || status=$?
}

packets=0 sets=0
for expected in tests/import/*.yaml; do
	name=$(basename "$expected" .yaml)
	arguments_of "$expected"
	for file in "${arguments[@]}"; do
		[[ ! -e tests/import/$file ]] || write_rules "tests/import/$file"
	done
	if [[ ${BREAK:-} ]]; then
		sed 's/port: 51820 }/port: 51829 }/' "$expected" > "$work/config"
		arguments+=(-c config)
	fi
	compare -v -j "${arguments[@]}"
	[[ $status == 0 || $status == 3 ]] || fail "$name: status $status: $(< "$work/errors")"
	[[ $status == "$(grep -q '"result": "differs"' "$work/said" && echo 3 || echo 0)" ]] || fail "$name: status $status"
	count=$(selftests/lib/import_compare.py verdict "$expected" "$work/said") || fail "$name: another verdict is expected"
	packets=$((packets + count)) sets=$((sets + 1))
	# the expected file is the same configuration
	compare "${arguments[@]}"
	cp "$work/said" "$work/own"
	compare -c "$OLDPWD/$expected" "${arguments[@]}" 2> /dev/null || true
done
expect 'sets of rules' $sets '>=' 58
expect packets $packets '>=' 1500
