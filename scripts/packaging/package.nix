# SPDX-License-Identifier: GPL-2.0-or-later
# Recipe for Nix: nix-build -E 'with import <nixpkgs> { }; callPackage ./scripts/packaging/package.nix { }'
{
  lib,
  stdenv,
  bash,
  bpftools,
  c-ares,
  coreutils,
  curl,
  dnsutils,
  elfutils,
  gawk,
  gnused,
  libbpf,
  libfyaml,
  libmicrohttpd,
  libxcrypt,
  libmnl,
  libsodium,
  libuv,
  llvmPackages,
  makeWrapper,
  openssl,
  pkg-config,
  xdp-tools,
  zlib,
}:
let
  # One line of scripts/packaging/settings: NAME=${NAME:-'value'}
  setting =
    name:
    let
      lines = lib.splitString "\n" (builtins.readFile ./settings);
      matches = map (builtins.match "${name}=[$].*:-'(.*)'[}]") lines;
    in
    builtins.head (builtins.head (builtins.filter (m: m != null) matches));
  # The program opens these at run time, by name
  opened = [
    libmicrohttpd
    libxcrypt
    libsodium
  ];
in
stdenv.mkDerivation {
  pname = "wgxdp";
  version = lib.removeSuffix "\n" (builtins.readFile ../../VERSION);
  src = lib.cleanSource ../..;

  nativeBuildInputs = [
    bpftools
    llvmPackages.clang
    makeWrapper
    pkg-config
  ];
  buildInputs = [
    bash
    c-ares
    elfutils
    libbpf
    libfyaml
    libmnl
    libuv
    xdp-tools
    zlib
  ]
  ++ opened;

  # clang -target bpf knows none of these
  hardeningDisable = [ "zerocallusedregs" ];
  BPF_CFLAGS = "-O2 -g -fno-stack-protector -Wno-error=unused-command-line-argument";
  CLANG = "${llvmPackages.clang}/bin/clang";
  NIX_LDFLAGS = map (library: "-rpath ${lib.getLib library}/lib") opened;

  makeFlags = [
    "V=1"
    "WERROR="
    "PREFIX=${placeholder "out"}"
    "SYSCONFDIR=${placeholder "out"}/etc"
  ];
  enableParallelBuilding = true;
  # wgxdp runs the helpers of `ddns` with a PATH that has no program of Nix
  postInstall = ''
    for helper in $out/lib/wgxdp/wgxdp-ddns-*; do
      wrapProgram $helper --prefix PATH : ${
        lib.makeBinPath [
          coreutils
          curl
          dnsutils
          gawk
          gnused
          openssl
        ]
      }
    done
  '';
  doCheck = false; # the tests need root and network namespaces

  meta = {
    description = "WireGuard relay and DNAT forwarder in XDP";
    homepage = setting "HOMEPAGE";
    license = lib.licenses.gpl2Plus;
    mainProgram = "wgxdp";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
