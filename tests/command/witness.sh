#!/bin/bash
# Witnesses: whoever asks for their cosignatures is not shown a log of his own.
. "$(dirname "$0")/../lib/test.sh"
for tool in jq git openssl; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
setup_registry flow-table
witness() { "$IOVPKG" --root "$tmp/witness" "$@"; }
client() { "$IOVPKG" --root "$tmp/client" "$@"; }
main() { git -C "$registry" "$@"; }
check "a witness has a key" witness key generate wit --plain
check "and knows the registry" witness registry add test "$registry" --yes
key=$(witness key show wit --json | jq -r .verifier)
refuses "what is not added cannot be witnessed" 2 "registry add" witness registry witness "$registry" --output "$tmp/cosigned"
refuses "a client that asks for a cosignature does not take what has none" 6 "0 of the 1 cosignatures" client registry add test "$registry" --yes --witness "$key"
refuses "more cosignatures than witnesses" 2 "2 cosignatures are asked for, of 1 witnesses" client registry add test "$registry" --yes --witness "$key" --witnesses 2
refuses "no key" 3 "is no verifier key" client registry add test "$registry" --yes --witness nobody
says "the witness cosigns" "cosigned test at 1 entries" witness registry witness test --output "$tmp/cosigned"
vkey=$(awk '$1 == "witness" { print $2 }' "$out")
says "the host takes it in" "1 cosignatures" author registry cosigned "$registry" "$tmp/cosigned"
check "again, it is the same one" author registry cosigned "$registry" "$tmp/cosigned"
equal "each witness counts once" "$(main show main:checkpoint | grep -c '^— ')" 2

# By the letter of the specification, and with another implementation of Ed25519.
main show main:checkpoint | sed -n 's/^— wit //p' | base64 -d >"$tmp/line"
hex() { od -An -tx1 "$@" | tr -d ' \n'; }
time=$((16#$(hex -j4 -N8 "$tmp/line")))
{ printf 'cosignature/v1\ntime %d\n' "$time"; main show main:checkpoint | sed -n '1,3p'; } >"$tmp/message"
tail -c 64 "$tmp/line" >"$tmp/signature"
{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; echo "${vkey#*+*+}" | base64 -d | tail -c 32; } >"$tmp/public.der"
says "openssl agrees" "Verified Successfully" openssl pkeyutl -verify -pubin -keyform DER -inkey "$tmp/public.der" -rawin -in "$tmp/message" -sigfile "$tmp/signature"
equal "the key id is that of a cosignature" "$(hex -N4 "$tmp/line")" "$({ printf 'wit\n\004'; tail -c 32 "$tmp/public.der"; } | sha256sum | head -c 8)"

check "now the client takes it" client registry add test "$registry" --yes --witness "$vkey"
check "a new release" author yank flow-table@1.0.0 --reason broken --registry "$registry" --key test
refuses "is taken when it has been cosigned" 6 "it may be shown to this host alone (fork), or the witnesses have not come by yet" client registry update
equal "until then the old state answers" "$(client --offline info flow-table --json | jq -c '.releases[0].yanked')" null
refuses "the file of before is of no use" 5 "let the witness sign again" author registry cosigned "$registry" "$tmp/cosigned"
check "the witness comes by" witness registry witness test --output "$tmp/cosigned"
check "and the host takes it in" author registry cosigned "$registry" "$tmp/cosigned"
says "then it is taken" "now at head 3" client registry update

# Another story, for this client alone: signed by the registry, but no witness has seen it.
cp -r "$registry" "$tmp/saved.git"
check "one story" author unyank flow-table@1.0.0 --registry "$registry" --key test
check "is witnessed" witness registry witness test --output "$tmp/cosigned"
rm -rf "$registry" && mv "$tmp/saved.git" "$registry"
check "another story" author deprecate flow-table --text 'no longer kept up' --registry "$registry" --key test
refuses "the witness does not sign it" 6 "(fork)" witness registry witness test --output "$tmp/second"
[ ! -e "$tmp/second" ] && pass "and writes nothing" || fail "and writes nothing"
refuses "nor does the cosignature of the other fit" 5 "another checkpoint" author registry cosigned "$registry" "$tmp/cosigned"
refuses "so the client does not take it" 6 "(fork)" client registry update
