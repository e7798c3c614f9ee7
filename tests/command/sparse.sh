#!/bin/bash
# A registry as static files: nginx with TLS and HTTP/2 over what `registry serve --write` wrote, the requests it takes, a registry that moves while
# it is read, mirrors that mix or roll back, and the server of its own. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/servers.sh"
need_tools git nginx openssl jq curl

registry=$tmp/registry.git site=$tmp/site log=$web/access
write() { author registry serve "$registry" --write "$site" "$@"; }
next() { # MODULE VERSION: the host publishes it and writes the files
	rm -rf "${tmp:?}/next" && cp -r "$top/bpf-samples/$1" "$tmp/next" && sed -i "s/^version: .*/version: $2/" "$tmp/next/iov.yaml" &&
		author publish "$tmp/next" --registry "$registry" --key test && write
}
new_client() { # NAME: the commands that follow are its
	client=$1
	mkdir -p "$tmp/$1/etc/iovpkg" && cp "$web/ca.pem" "$tmp/$1/etc/iovpkg/ca.pem"
}
client() { "$IOVPKG" --root "$tmp/$client" "$@"; }
version() { client list --json | jq -r '.modules[] | select(.name == "flow-count").version'; }
asked() { : >"$log"; } # from here on requests are counted
requests() { wc -l <"$log"; }
answers() { awk '{ print $2 }' "$log" | sort | uniq -c | awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 }'; }

# ---- the host

check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
for module in flow-table flow-count; do check "publish $module" publish $module; done
check "the files are written" write
equal "a second time nothing is" "$(write --json | jq -c '[.written, .removed, .archives]')" "[0,0,0]"
mkdir -p "$tmp/other" && : >"$tmp/other/file"
refuses "a folder of something else" 5 "holds other files" author registry serve "$registry" --write "$tmp/other"
equal "it is left alone" "$(ls -A "$tmp/other")" file

check "certificates" make_certificates
port=$(free_port) url=sparse+https://localhost:$port/
second_port=$(free_port) moving=$tmp/moving
{
	# The same, but who knows a head is told of no news.
	echo "server { $(web_listen "$second_port") root $moving; location = /head.note { if (\$http_if_none_match) { rewrite ^ /head.old last; } } }"
	echo "log_format brief '\$uri \$status \$server_protocol \$connection \$body_bytes_sent'; gzip_min_length 1;"
	sed -e "s|listen 443|listen 127.0.0.1:$port|" -e '/\[::\]/d' -e "s|registry.example.org|localhost|" -e "s|/etc/ssl/registry.pem|$web/server.pem|" \
		-e "s|/etc/ssl/private/registry.key|$web/server.key|" -e "s|^}|access_log $log brief; }|" "$site/.iovpkg/nginx.conf"
} | web_config
start_web "$port"

# ---- the requests that it takes

new_client first
asked
check "registry add" client registry add far "$url" --yes
equal "it takes five requests" "$(answers)" "5 200"
check "install" client install flow-count --no-load
equal "with a dependency at most 13" "$([ "$(requests)" -le 13 ] || cat "$log")" ""
equal "each command uses one connection" "$(awk '{ print $4 }' "$log" | sort -u | wc -l)" 2
equal "HTTP/2 it is" "$(awk '{ print $3 }' "$log" | sort -u)" HTTP/2.0
equal "bytes: beside archives less than 16 KiB for two small modules" "$([ "$(awk '!/packages/ { n += $5 } END { print n }' "$log")" -lt 16384 ] && echo yes)" yes
equal "it is there" "$(version)" 1.0.0

# ---- proofs: the lock has none, verify reads one and keeps it

kept=$tmp/$client/var/lib/iovpkg/registries/far/proofs
lock=$(echo "$tmp/$client"/var/lib/iovpkg/generations/*/lock.json)
from() { client "$@" --json | jq -c '[.modules[] | [.name, .good, .from]]'; }
equal "an install has no proof in the lock" "$(jq '[.releases[] | has("proof")] | any' "$lock")" false
refuses "offline there is none to verify by" 11 "run 'iovpkg verify flow-count' without --offline" client --offline verify flow-count
asked
equal "verify reads them" "$(from verify)" '[["flow-count",true,"registry"],["flow-table",true,"registry"]]'
equal "two modules of one bundle and one tile: two requests" "$(answers)" "2 200"
asked
equal "under the same head it does not ask again" "$(from verify)" '[["flow-count",true,"registry"],["flow-table",true,"registry"]]'
check "nor offline" client --offline verify
equal "nothing was asked for" "$(requests)" 0
for one in "$kept"/*.json; do jq -c '.leaf |= sub("flow"; "slow")' "$one" >"$tmp/bent" && cp "$tmp/bent" "$one"; done
refuses "what is damaged there does not count" 11 "there is no proof" client --offline verify flow-table
check "and is read anew" client verify
rm -r "$kept" && : >"$kept"
says "what cannot be kept is told, and no failure" "cannot be kept for 'verify --offline'" client verify
rm "$kept"
check "with a place it is kept" client verify

asked
check "an update without news" client registry update
equal "is one conditional request" "$(answers)" "1 304"
equal "and says so" "$(client registry update --json | jq -c '.registries[0].traffic | [.requests, .rounds, .connections, .body]')" "[1,1,1,0]"
check "the host publishes" next flow-count 1.0.1
asked
check "an update with news" client registry update
equal "reads what changed and no more" "$(awk '{ print $1 }' "$log" | grep -cE '^/(index|manifest)/')" 3
equal "offline, a proof under an older head holds" "$(from --offline verify)" '[["flow-count",true,"kept"],["flow-table",true,"kept"]]'
check "upgrade" client upgrade
equal "and it is the new one" "$(version)" 1.0.1

# ---- a host's lock brings the proofs along, so that the host asks for none

lock_of() { echo "$tmp/$1/var/lib/iovpkg/current/lock.json"; }
proved() { jq -c '[.releases[] | has("proof")]' "$1"; }
fingerprint=$(client registry list --json | jq -r '.registries[0].fingerprint')
printf 'schema: 1\nregistries:\n  far: {url: %s, fingerprint: %s}\nmodules:\n  flow-count: ^1.0\n' "$url" "$fingerprint" >"$tmp/host.yaml"
new_client ci
check "lock" client lock "$tmp/host.yaml"
equal "with proofs" "$(proved "$tmp/host.lock.json")" "[true,true]"
asked
says "a second time nothing changes" "as before" client lock "$tmp/host.yaml"
equal "and nothing is read but the head" "$(answers)" "1 304"
cp "$tmp/host.lock.json" "$tmp/good.json" && rm "$tmp/host.lock.json"
says "offline it comes without what is not at hand" "the lock has no proof of 'flow-count' 1.0.1" client --offline lock "$tmp/host.yaml"
equal "and is a lock all the same" "$(proved "$tmp/host.lock.json")" "[false,false]"
jq '.releases[1].proof.leaf |= sub("flow-table"; "flow-tabel")' "$tmp/good.json" >"$tmp/host.lock.json"
new_client deployed
refuses "a forged proof" 6 "has a wrong proof of 'flow-table'" client apply "$tmp/host.yaml" --locked
equal "installs nothing" "$(client list --json | jq -c .modules)" "[]"
cp "$tmp/good.json" "$tmp/host.lock.json"
asked
check "the true ones" client apply "$tmp/host.yaml" --locked
equal "cost no request" "$(awk '{ print $1 }' "$log" | grep -c '^/tile/')" 0
equal "they are in the generation" "$(proved "$(lock_of deployed)")" "[true,true]"
equal "and verify goes by them offline" "$(from --offline verify)" '[["flow-count",true,"lock"],["flow-table",true,"lock"]]'
says "in words" "as the lock has kept it" client --offline verify flow-table
client=first
equal "what was installed without" "$(client apply "$tmp/host.yaml" --locked --json | jq .changed)" true
equal "gets them from the lock" "$(proved "$(lock_of first)")" "[true,true]"
equal "once" "$(client apply "$tmp/host.yaml" --locked --json | jq .changed)" false

asked
check "offline, what was checked answers" client --offline info flow-count
equal "without a request" "$(requests)" 0
refuses "nothing can be published there" 2 "for reading only" author publish "$top/bpf-samples/flow-table" --registry "$url" --key test

# ---- a registry that moves on while it is read: the head that a client has seen, and newer files at their paths

cp -a "$site" "$tmp/old"
check "the host publishes again" next flow-count 1.0.2
cp -a "$site" "$tmp/new"
show() { rm -rf "$site" && cp -a "$tmp/$1" "$site"; }
between() { show new; cp -a "$tmp/old/head.note" "$tmp/old/checkpoint" "$site/"; }
between
new_client second
asked
check "added between two heads" client registry add far "$url" --yes
check "installed between two heads" client install flow-count --no-load
equal "files come from under their hashes" "$(awk '$2 == 200 { print $1 }' "$log" | grep -c '^/by-hash/')" 3
equal "what the older head names" "$(version)" 1.0.1
new_client auditor
says "an audit reads what the older head names, too" "good" client registry audit "$url"
client=second

# ---- mirrors that lie

show old
rm -rf "$site/by-hash" && cp -a "$tmp/new/head.note" "$tmp/new/checkpoint" "$site/"
refuses "new head, old index" 6 "mix-and-match" client registry update
check "the last good state answers" client --offline info flow-count
show new && rm -rf "$site/by-hash" && cp -a "$tmp/old/manifest" "$site/"
cp -a "$tmp/new/manifest/top" "$site/manifest/top"
refuses "new manifest, old shard" 6 "mix-and-match" client registry update
show new
check "the whole of it is good" client upgrade
equal "and is the newest" "$(version)" 1.0.2
show old
refuses "an old state played back" 6 "rollback" client registry update
check "the newer one stays" client --offline info flow-count
show new && rm "$site/head.note"
refuses "no registry any more" 6 "has no 'head.note'" client registry update
show new && head -c 100000 /dev/zero >"$site/head.note"
refuses "endless data" 6 "endless data" client registry update
show new
check "and good again" client registry update
stop_last_server
refuses "a server that is gone" 11 "registry 'far'" client registry update
says "what was seen answers" flow-count client search flow
start_web "$port"

rm -r "$tmp/$client/var/lib/iovpkg/registries/far/files"
refuses "offline, what is not there does not" 11 "run again without --offline" client --offline info flow-count

# ---- audit and compare, of a registry that nobody has added

show new
client=auditor
says "an audit" "good  $url: 4 log entries make 4 releases of 2 modules" client registry audit "$url"
also "tells the root that nobody has pinned" "first root $fingerprint"
equal "nothing of it is left" "$(ls "$tmp/auditor/var/cache/iovpkg") $(client registry list --json | jq -c .registries)" " []"
check "add it" client registry add far "$url" --yes
equal "by its name" "$(client registry audit far --json | jq -c '[.good, .pinned, .entries]')" '[true,true,4]'
git -C "$registry" show main~1:checkpoint >"$tmp/earlier"
says "a checkpoint from before" "ours extends theirs" client registry compare "$url" "$tmp/earlier"
says "the repository itself" "same" client registry compare "$url" "$registry"
cp -r "$registry" "$tmp/fork.git"
author yank flow-table@1.0.0 --reason other --registry "$tmp/fork.git" --key test >"$out" 2>&1
check "a copy that goes on from here" author registry serve "$tmp/fork.git" --write "$tmp/fork"
cp -a "$tmp/fork" "$site/fork"
says "is the same log" "theirs extends ours" client registry compare far "${url}fork/"
check "until the original goes another way" next flow-count 1.0.3
refuses "then it is a fork" 6 "FORK" client registry compare far "${url}fork/"
refuses "from either side" 6 "FORK" client registry compare "${url}fork/" "$registry"
refuses "what has no checkpoint is no copy" 6 "'checkpoint'" client registry compare far "${url}nothing/"
refuses "nor a subject" 6 "no registry" client registry audit "${url}nothing/"
refuses "an audit offline" 11 "without --offline" client --offline registry audit "$url"
cp -a "$tmp/new" "$moving"
check "a registry that goes on while it is audited" client registry add moving "sparse+https://localhost:$second_port/" --yes
mv "$moving/head.note" "$moving/head.old" && cp "$site/head.note" "$moving/"
says "does no harm" "good" client registry audit moving
for file in "$moving"/index/*/*/flow-count "$moving"/by-hash/*/*; do echo x >"$file"; done
refuses "where something does not fit, there is no verdict" 14 "has gone on from head 5 while it was audited" client registry audit moving
for file in "$site"/index/*/*/flow-count "$site"/by-hash/*/*; do sed -i 's/"yanked":null/"yanked":{"log":9,"reason":"x"}/' "$file"; done
refuses "an index that nobody signed" 6 "the index of 'flow-count' in registry 'far' differs at its line 1" client registry audit far
show new

# ---- archives elsewhere

hash=$(cd "$site/packages" && find . -type f -printf '%f\n' | head -n 1)
mkdir "$site/far" && find "$site/packages" -type f -exec mv {} "$site/far/" \;
new_client third
sed -i "s|^packages: .*|packages: https://localhost:$port/far/{sha256}|" "$site/registry.yaml"
check "an address for archives" client registry add far "$url" --yes
check "they come from there" client install flow-table --no-load
sed -i "s|^packages: .*|packages: http://localhost:$port/far/$hash|" "$site/registry.yaml"
new_client fourth
refuses "no address is one" 9 "'packages'" client registry add far "$url" --yes
refuses "no URL is one" 3 "no URL of a registry" client registry add far "sparse+ftp://localhost/" --yes
stop_last_server

# ---- its own server

port=$(free_port)
serve "$tmp/own" "$IOVPKG" --root "$tmp/author" registry serve "$registry" --listen "127.0.0.1:$port"
wait_for_port "$port" "$tmp/own"
new_client fifth
check "its own server: add" client registry add near "sparse+http://127.0.0.1:$port" --yes
check "its own server: install" client install flow-count --no-load
equal "its own server: the newest" "$(version)" 1.0.3
get() { curl -s -o "$tmp/body" -w '%{http_code}' --path-as-is "$@"; }
own=http://127.0.0.1:$port
head=$(curl -sI "$own/head.note" | tr -d '\r' | sed -n 's/^ETag: //p')
equal "its own server: an ETag" "$(get -H "If-None-Match: $head" "$own/head.note")" 304
archive=$own/packages/${hash:0:2}/$hash
equal "its own server: a part of an archive" "$(get -r 2-5 "$archive") $(stat -c %s "$tmp/body")" "206 4"
equal "its own server: past its end" "$(get -r 99999999- "$archive")" 416
for path in /HEAD /config /../registry.git/HEAD /refs/heads/main /packages/ab/../../head.note "/packages/00/$hash" /manifest / //head.note /.git/HEAD; do
	equal "its own server: no $path" "$(get "$own$path")" 404
done
equal "its own server: nothing to write" "$(get -X PUT -d x "$own/head.note")" 405
refuses "its own server: a port in use" 12 "cannot serve at" author registry serve "$registry" --listen "127.0.0.1:$port"
refuses "its own server: no address" 2 "no address and port" author registry serve "$registry" --listen here
helper=$(pgrep -P "${servers[-1]}" | head -n 1)
stop_last_server
for _ in {1..50}; do kill -0 "$helper" 2>/dev/null || break; sleep 0.1; done
refuses "its own server: it ends with the command" 1 "" kill -0 "$helper"
