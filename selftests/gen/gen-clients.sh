#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# NetworkManager's libnm imports the WireGuard file of each client that `wgxdp gen hosts` writes for the examples,
# without a loss. BREAK=1 changes an address of each file.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

imports=0
for example in docs/examples/topology/*.yaml; do
	dir=$work/$(basename "$example" .yaml)
	"$wgxdp" gen hosts "$example" -o "$dir" > "$work/said" 2>&1 || fail "gen hosts $example: $(< "$work/said")"
	while read -r file; do
		"$root/selftests/lib/nm_import.py" "$file" ${BREAK:+broken} > "$work/said" 2>&1 || fail "$file: $(< "$work/said")"
		imports=$((imports + 1))
	done < <(grep -lsx 'PrivateKey = .*' "$dir"/*/etc/wireguard/wg0.conf)
done
expect 'files imported' $imports '>=' 3
