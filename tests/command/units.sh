#!/bin/bash
# The systemd units as systemd reads them.
. "$(dirname "$0")/../lib/test.sh"
command -v systemd-analyze >/dev/null || skip_all "needs systemd-analyze"
for unit in "$top"/systemd/*.in; do
	sed "s|@bindir@|$(dirname "$(readlink -f "$IOVPKG")")|g" "$unit" >"$tmp/$(basename "$unit" .in)"
done
equal "four units" "$(cd "$tmp" && ls iovpkg* | tr '\n' ' ')" "iovpkg-online.service iovpkg-save.service iovpkg-save.timer iovpkg.service "
check "systemd takes them" systemd-analyze verify --man=no "$tmp"/iovpkg*
equal "without a word" "$(cat "$out")" ""
equal "every command that they run exists" "$(sed -n 's|^Exec[A-Za-z]*=[^ ]*/iovpkg \([a-z]*\).*|\1|p' "$tmp"/*.service | sort -u | while read -r name; do "$IOVPKG" help "$name" >/dev/null || echo "$name"; done)" ""

# Those that the host of a registry copies and fills in.
mkdir "$tmp/host"
for unit in "$top"/registry/systemd/*; do
	sed "s|/usr/bin/iovpkg|$(readlink -f "$IOVPKG")|; s|^User=.*|User=$(id -un)|" "$unit" >"$tmp/host/$(basename "$unit")"
done
check "systemd takes a registry's units" systemd-analyze verify --man=no "$tmp"/host/*
equal "without a word" "$(cat "$out")" ""
