#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# The recipes of packages are complete, clean and alike, and `scripts/release` refuses invalid releases. The recipes
# of packages, without building them:
# - The tarball is the same from another directory, umask, time zone and locale.
# - PKGBUILD and APKBUILD are complete and clean under shellcheck. makepkg reads the PKGBUILD and
#   checks the tarball's sum. rpmlint reports nothing about the spec. Nix parses its recipe, and
#   the fields in it are those of scripts/packaging/settings and VERSION.
# - Maintainer and homepage reach each recipe from the settings alone.
# - scripts/release refuses invalid releases, each with its reason, and accepts a valid one.
# BREAK=1 leaves a placeholder in a recipe; BREAK=2 dates the CHANGELOG before the refusals are tried.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
fail() { echo "FAIL: $*" >&2; exit 1; }

# --- a repository of this tree, in which a release is tried

copy_tree() { # DIR
	mkdir -p "$1"
	tar c --exclude=./.git --exclude=./build . | tar x -C "$1"
	git -C "$1" init -q -b main
	commit "$1"
}
commit() { # DIR
	git -C "$1" add -A
	GIT_COMMITTER_DATE='2026-01-02T03:04:05Z' git -C "$1" -c user.name=test -c user.email=test@wgxdp.test commit -q --allow-empty --date='2026-01-02T03:04:05Z' -m test
}
export MAINTAINER='Ada Löve & Söhne <release@wgxdp.test>' HOMEPAGE='https://wgxdp.test/a?b=1&c=2'
tree=$work/tree
copy_tree "$tree"
[[ ${BREAK:-} != 1 ]] || sed -i 's/@VERSION@/@VERSION_OF_IT@/' "$tree/scripts/packaging/PKGBUILD.in"
commit "$tree"

# --- the tarball

mkdir "$work/one" "$work/another-place"
"$tree/scripts/packaging/source" -t "$work/one" > "$work/said"
cp -r "$tree" "$work/tree-elsewhere"
find "$work/tree-elsewhere" -not -path '*/.git/*' -exec touch -h -d '2021-03-04 05:06:07' {} +
(umask 077 && TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 "$work/tree-elsewhere/scripts/packaging/source" -t "$work/another-place" > "$work/said")
tarball=$(echo "$work"/one/*.tar.gz)
cmp "$tarball" "$work"/another-place/*.tar.gz || fail 'two tarballs of one commit differ'
echo "ok the same tarball twice: ${tarball##*/}"

# --- the recipes

recipes=$work/recipes
scripts/packaging/recipes "$tarball" "$recipes"
in_tarball=$(echo "$work"/one/wgxdp-*/)
spec=$in_tarball/scripts/packaging/wgxdp.spec
recipe_files=("$recipes/arch/PKGBUILD" "$recipes/alpine/APKBUILD" "$spec" "$in_tarball/debian/control" "$in_tarball/debian/changelog")
for file in "${recipe_files[@]}"; do
	! grep -nE '@[A-Z0-9_]+@' "$file" > "$work/left" || fail "${file##*/}: not filled in: $(< "$work/left")"
	! grep -n 'example\.net' "$file" > "$work/left" || fail "${file##*/}: not from the settings: $(< "$work/left")"
	case $file in */changelog) ;; *) grep -qF "$HOMEPAGE" "$file" || fail "${file##*/} lacks the homepage" ;; esac
	grep -qF "$MAINTAINER" "$file" || fail "${file##*/} lacks the maintainer"
done
shellcheck "$recipes"/arch/{PKGBUILD,wgxdp.install} "$recipes"/alpine/{APKBUILD,wgxdp.post-upgrade,wgxdp.pre-deinstall}
cp "$tarball" "$recipes/arch"
chown -R nobody "$recipes"
chmod -R go+rX "$recipes" # mktemp's umask
# makepkg refuses root, and looks for pacman only to have dependencies installed
as_nobody() { (cd "$recipes/arch" && PACMAN=true setpriv --reuid=nobody --clear-groups env HOME="$recipes" makepkg "$@"); }
as_nobody --printsrcinfo > "$work/srcinfo" 2> "$work/makepkg" || fail "makepkg: $(< "$work/makepkg")"
grep -qx $'\tpkgver = '"$(< VERSION)" "$work/srcinfo" || fail "makepkg reads another version: $(< "$work/srcinfo")"
as_nobody --verifysource > "$work/makepkg" 2>&1 || fail "makepkg: $(< "$work/makepkg")"
rpmlint -c scripts/packaging/rpmlint.toml "$spec" > "$work/rpmlint" 2>&1 || fail "rpmlint: $(< "$work/rpmlint")"
grep -q ' 0 errors, 0 warnings' "$work/rpmlint" || fail "rpmlint: $(< "$work/rpmlint")"
nix=$in_tarball/scripts/packaging/package.nix
nix-instantiate --parse "$nix" > "$work/nix" 2>&1 || fail "nix-instantiate: $(< "$work/nix")"
# With stand-ins for nixpkgs: the recipe's own part is evaluated
cat > "$work/stub.nix" << 'EOF'
let
  lib = {
    splitString = s: t: builtins.filter builtins.isString (builtins.split s t);
    removeSuffix = s: t: builtins.substring 0 (builtins.stringLength t - builtins.stringLength s) t;
    cleanSource = x: x;
    getLib = x: x;
    licenses.gpl2Plus = "GPL-2.0-or-later";
  };
  recipe = import (builtins.getEnv "RECIPE");
  names = builtins.attrNames (builtins.functionArgs recipe);
  stand_ins = builtins.listToAttrs (map (name: { inherit name; value = "/${name}"; }) names);
  made = recipe (stand_ins // {
    inherit lib;
    stdenv.mkDerivation = x: x;
    llvmPackages.clang = "/clang";
  });
in "${made.version} ${made.meta.homepage}"
EOF
said=$(RECIPE=$nix nix-instantiate --eval "$work/stub.nix" 2> "$work/nix") || fail "nix-instantiate: $(< "$work/nix")"
[[ $said == "\"$(< VERSION) $HOMEPAGE\"" ]] || fail "Nix reads $said"
echo 'ok recipes: Arch, Alpine, rpm, Debian, Nix'

# --- what is no release

refuses() { # WORDS [VARIABLE=VALUE]...
	local rc=0
	env "${@:2}" "$tree/scripts/release" -n "$work/release" > "$work/said" 2>&1 || rc=$?
	{ ((rc == 2)) && grep -qF -- "$1" "$work/said"; } || fail "expected '$1', status 2; status $rc: $(< "$work/said")"
	[[ ! -e $work/release ]] || fail 'a refused release has left something'
	echo "ok refuses: $1"
}
version=$(< VERSION)
date_it() { sed -i "0,/^## .*/s//## $version, ${1:-2026-01-02}/" "$tree/CHANGELOG.md"; }
date_it 'not released yet' && commit "$tree"
[[ ${BREAK:-} != 2 ]] || { date_it && commit "$tree"; }
refuses "CHANGELOG.md: version $version is 'not released yet'"
date_it 2026-02-30 && commit "$tree"
refuses "CHANGELOG.md: version $version is '2026-02-30'"
date_it
refuses 'these files are not committed'
commit "$tree"
refuses 'is an example' MAINTAINER='The wgxdp authors <wgxdp@example.net>'
refuses 'is an example' HOMEPAGE=https://example.net/wgxdp
refuses 'is not like' MAINTAINER='nobody'
refuses 'is no web address' HOMEPAGE=wgxdp.test
refuses 'gpg has no secret key' KEY=nobody@wgxdp.test GNUPGHOME="$work"
echo 99.0 > "$tree/VERSION" && commit "$tree"
refuses 'VERSION has 99.0: make them equal'
echo "$version" > "$tree/VERSION" && commit "$tree"
env -u KEY "$tree/scripts/release" -n "$work/release" > "$work/said" 2>&1 || fail "a release is refused: $(< "$work/said")"
echo "ok accepts: $(< "$work/said")"
