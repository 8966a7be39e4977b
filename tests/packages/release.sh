#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 14400
# Two runs of `make release` on one commit give the same sums, although directory, umask, time zone and locale of the
# second run differ. Also:
# - SHA256SUMS names each file, the sums are right, and gpg verifies its signature.
# - The rpm package has the files of the Debian package, with the same modes, except files that only one of the systems
#   uses.
# - The recipes for Arch and Alpine, run here with Debian's libraries, install the same files.
# - The bill of materials names each package with its sum, and refers to nothing that it lacks.
# BREAK=1 adds a file to the rpm package alone. BREAK=2 puts the build time into the program.
# $SUITES and $ARCHES as for scripts/packaging/settings; here trixie and amd64, to save time.
# $RELEASE, a directory with a release: only what comes after the builds is tested.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

export SUITES=${SUITES:-trixie} ARCHES=${ARCHES:-amd64}
export MAINTAINER='Test <release@wgxdp.test>' HOMEPAGE=https://wgxdp.test/ KEY=release@wgxdp.test
export GNUPGHOME=$work/gpg
version=$(< VERSION)
unset MAKEFLAGS MAKELEVEL O

copy_tree() { # DIR: a repository of this tree, with a date in CHANGELOG.md
	mkdir -p "$1"
	tar c --exclude=./.git --exclude=./build . | tar x -C "$1"
	sed -i "0,/^## .*/s//## $version, 2026-01-02/" "$1/CHANGELOG.md"
	[[ ${BREAK:-} != 1 ]] || sed -i 's|^%{?with_strip.*|&\ntouch %{buildroot}%{_mandir}/man8/wgxdp-break.8|' "$1/scripts/packaging/wgxdp.spec.in"
	[[ ${BREAK:-} != 2 ]] || echo 'const char when[] __attribute__((used)) = __TIME__;' >> "$1/user/lib/addr.c"
	git -C "$1" init -q -b main
	git -C "$1" add -A
	GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' git -C "$1" -c user.name=test -c user.email=test@wgxdp.test \
		commit -q --date='2026-01-02T03:04:05Z' -m test
}
make_release() { # DIR
	make -C "$1" release > "$work/said" 2>&1 || fail "make release: $(tail -n 60 "$work/said")"
	! grep '^left out: ' "$work/said" || :
}

# --- two of them

if [[ ! ${RELEASE:-} ]]; then
	mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase '' --quick-gen-key "$KEY" default default never 2> "$work/gpg.log" || fail "gpg: $(< "$work/gpg.log")"
	copy_tree "$work/tree"
	cp -r "$work/tree" "$work/another-place-with-a-longer-name"
	make_release "$work/tree"
	(umask 077 && TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 make_release "$work/another-place-with-a-longer-name")
	RELEASE=$work/tree/build/release
	other=$work/another-place-with-a-longer-name/build/release
	diff "$RELEASE/SHA256SUMS" "$other/SHA256SUMS" || fail 'two releases of one commit differ'
	echo "ok the same sums twice: $(wc -l < "$RELEASE/SHA256SUMS") files"
	gpg --batch --verify "$RELEASE/SHA256SUMS.asc" "$RELEASE/SHA256SUMS" 2> "$work/gpg.log" || fail "gpg: $(< "$work/gpg.log")"
	gpgconf --kill gpg-agent
	echo 'ok gpg verifies the signature'
fi

# --- sums

(cd "$RELEASE" && sha256sum --quiet -c SHA256SUMS) || fail 'a sum is wrong'
diff <(cd "$RELEASE" && find . -type f -printf '%P\n' | grep -v '^SHA256SUMS' | LC_ALL=C sort) \
	<(cut -c 67- "$RELEASE/SHA256SUMS" | LC_ALL=C sort) || fail 'SHA256SUMS names other files than there are'
[[ ! -x scripts/container || -n $(compgen -G "$RELEASE/*.oci.tar") ]] || fail 'no container image'
echo 'ok SHA256SUMS'

# --- the files of the packages: mode and path, one a line

suite=${SUITES##* }
deb=$(printf '%s\n' "$RELEASE"/wgxdp_*_amd64.deb | sort -V | tail -n 1)
rpm=$(echo "$RELEASE"/wgxdp-"$version"-*.x86_64.rpm)
# Debian's zsh has a directory of its own. Manual pages are compressed or not as the system likes; dpkg-deb lists directories above the
# package's own, which rpm has not
plain() {
	sed -E 's,^([^ ]*) /lib/,\1 /usr/lib/,; s,(/man/.*)\.gz$,\1,; s,/zsh/vendor-completions,/zsh/site-functions,' |
		grep -vE ' (/|/etc|/usr|/usr/(lib|sbin|share)|/usr/lib/systemd(/system)?|/usr/share/(bash-completion(/completions)?|zsh(/site-functions)?|fish(/vendor_completions[.]d)?|doc|lintian(/overrides)?|man(/man[58])?))$' |
		LC_ALL=C sort
}
dpkg-deb --fsys-tarfile "$deb" | tar tv | awk '{print $1, $6}' | sed -E 's, \./, /,; s,([^ ])/$,\1,' | plain > "$work/deb"
rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" | plain > "$work/rpm"
# Debian wants the changes and the license in places of its own, rpm the license
only_deb=' /usr/share/doc/wgxdp/(changelog(\.Debian)?\.gz|copyright)$'
only_rpm=' /usr/share/licenses/wgxdp(-[0-9.]+)?(/COPYING)?$'
diff <(grep -vE "$only_deb" "$work/deb") <(grep -vE "$only_rpm" "$work/rpm") || fail "the rpm package (>) has other files than the Debian package of $suite (<)"
(($(wc -l < "$work/rpm") > 90)) || fail "too few files: $(< "$work/rpm")"
echo "ok the same files in both packages: $(grep -cvE "$only_rpm" "$work/rpm")"

# --- the recipes, with this machine's libraries: makepkg builds Arch's, a shell runs Alpine's

cp -r "$RELEASE/recipes" "$work"
cp "$RELEASE/wgxdp-$version.tar.gz" "$work/recipes/arch"
chmod 755 "$work"
chown -R nobody "$work/recipes"
as_nobody() { (cd "$work/recipes/arch" && PACMAN=true setpriv --reuid=nobody --clear-groups env HOME="$work/recipes" "$@"); }
as_nobody makepkg -d > "$work/makepkg" 2>&1 || fail "makepkg: $(tail -n 30 "$work/makepkg")"
grep -vE "$only_deb" "$work/deb" > "$work/common"
bsdtar tvf "$work"/recipes/arch/*.pkg.tar* | awk '{print $1, $NF}' | grep -v ' \.[A-Z]*$' | sed -E 's, , /,; s,([^ ])/$,\1,; s, /usr/bin, /usr/sbin,' |
	plain > "$work/arch"
diff "$work/common" "$work/arch" || fail "the package of Arch (>) has other files than Debian's (<)"
# shellcheck disable=SC2016 # for that shell
as_nobody dash -c 'pkgdir=$HOME/apk; set -e; cd "src/wgxdp-$1"; . ../../../alpine/APKBUILD; build; package' dash "$version" > "$work/apk" 2>&1 ||
	fail "APKBUILD: $(tail -n 30 "$work/apk")"
(cd "$work/recipes/apk" && find . -mindepth 1 -printf '%M /%P\n') | plain > "$work/alpine"
# OpenRC in the place of systemd
diff <(grep -vE ' (/usr/lib/systemd/|/usr/share/doc/wgxdp/(shared|endpoint)\.conf$)' "$work/common") \
	<(grep -vE ' /etc/init\.d(/wgxdp(-daemon)?)?$' "$work/alpine") || fail "the package of Alpine (>) has other files than Debian's (<)"
(($(grep -cE '^-rwxr-xr-x /etc/init\.d/wgxdp(-daemon)?$' "$work/alpine") == 2)) || fail "Alpine's init scripts: $(grep init "$work/alpine")"
echo 'ok the same files by the recipes for Arch and Alpine'

# --- the bill of materials

python3 - "$RELEASE" "$version" << 'EOF'
import hashlib, json, pathlib, re, sys
directory, version = pathlib.Path(sys.argv[1]), sys.argv[2]
bill = json.loads((directory / f"wgxdp-{version}.spdx.json").read_text())
for key in "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo":
    assert bill[key], key
known = {package["SPDXID"]: package for package in bill["packages"]}
assert len(known) == len(bill["packages"]), "an id twice"
for ref, package in known.items():
    assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", ref), ref
    for key in "name", "downloadLocation":
        assert package[key], (ref, key)
for relation in bill["relationships"]:
    for end in relation["spdxElementId"], relation["relatedSpdxElement"]:
        assert end == "SPDXRef-DOCUMENT" or end in known, f"{end} is nowhere"
named = {package["packageFileName"]: package for package in known.values() if "packageFileName" in package}
files = [f for f in directory.iterdir() if re.search(r"\.(deb|rpm|tar|tar\.gz)$", f.name)]
assert set(named) == {f.name for f in files}, set(named) ^ {f.name for f in files}
for f in files:
    assert named[f.name]["checksums"][0]["checksumValue"] == hashlib.sha256(f.read_bytes()).hexdigest(), f.name
ends = lambda kind: {(known[r["spdxElementId"]]["name"], r["relatedSpdxElement"]) for r in bill["relationships"] if r["relationshipType"] == kind}
for f in files:
    ref = named[f.name]["SPDXID"]
    if f.suffix == ".deb" and "dbgsym" not in f.name:
        runs = {known[r["relatedSpdxElement"]]["name"] for r in bill["relationships"]
                if r["relationshipType"] == "DEPENDS_ON" and r["spdxElementId"] == ref}
        assert {"libc6"} <= runs and any(n.startswith("libbpf") for n in runs), (f.name, runs)
        builds = {name for name, other in ends("BUILD_DEPENDENCY_OF") if other == ref}
        assert {"clang", "libbpf-dev", "libxdp-dev"} <= builds, (f.name, builds)
print(f"ok bill of materials: {len(files)} files, {len(known) - len(files)} packages that they need, {len(bill['relationships'])} relations")
EOF
