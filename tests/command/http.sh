#!/bin/bash
# Archives over HTTP: a registry that is a git repository and names two web servers for its archives. In parallel, from the second where the first has
# none, gone on with after a kill, forged, too long, too slow, elsewhere. Without a kernel.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/servers.sh"
need_tools git nginx openssl jq

registry=$tmp/registry.git files=$web/files log=$web/access
new_client() { # NAME: the commands that follow are its
	client=$1
	mkdir -p "$tmp/$1/etc/iovpkg" && cp "$web/ca.pem" "$tmp/$1/etc/iovpkg/ca.pem"
	client registry add near "$registry" --yes -q >"$out"
}
client() { "$IOVPKG" --root "$tmp/$client" "$@"; }
left() { ls "$tmp/$client/var/cache/iovpkg/archives/"*.new; }
asked() { : >"$log"; } # from here on requests are counted
answers() { awk '{ print $1, $2 }' "$log" | sort | uniq -c | awk '{ printf "%s%s %s %s", (NR > 1 ? ", " : ""), $1, $2, $3 }'; }
bytes() { awk '{ n += $5 } END { print n }' "$log"; }
version() { client list --json | jq -r '.modules[] | select(.name == "flow-table").version'; }

describe() { # PACKAGES: what registry.yaml says of archives
	local index=$tmp/index main
	main=$(git -C "$registry" rev-parse refs/heads/main) &&
		git -C "$registry" show main:registry.yaml | sed "s|^packages:.*|packages: $1|" >"$tmp/registry.yaml" &&
		GIT_INDEX_FILE=$index git -C "$registry" read-tree main &&
		GIT_INDEX_FILE=$index git -C "$registry" update-index --cacheinfo "100644,$(git -C "$registry" hash-object -w "$tmp/registry.yaml"),registry.yaml" &&
		git -C "$registry" -c user.name=t -c user.email=t@t.example commit-tree -p "$main" -m "Where archives are" \
			"$(GIT_INDEX_FILE=$index git -C "$registry" write-tree)" >"$tmp/commit" &&
		git -C "$registry" update-ref refs/heads/main "$(cat "$tmp/commit")"
}

# ---- a registry with one long archive, and two servers

check "registry init" author registry init "$registry" --origin test.example/modules --key test --plain
cp -r "$top/bpf-samples/flow-table" "$tmp/flow-table" && head -c 900000 /dev/urandom | base64 >"$tmp/flow-table/README.md"
with_object() { author publish "$1" --registry "$registry" --key test --with-object; }
check "publish a long archive" with_object "$tmp/flow-table"
check "publish another" with_object "$top/bpf-samples/flow-count"
for ref in $(git -C "$registry" for-each-ref --format='%(refname)' refs/packages); do
	mkdir -p "$files" && git -C "$registry" cat-file blob "$ref:archive" >"$files/${ref##*/}"
done
long=$(find "$files" -size +500k -printf %f) length=$(stat -c %s "$files/$long")
cp -a "$files" "$web/good"

check "certificates" make_certificates
port=$(free_port) slow=$(free_port)
web_config <<END
log_format brief '\$server_port \$status \$server_protocol \$connection \$body_bytes_sent';
log_format shown '\$uri "\$http_authorization"';
server {
	$(web_listen "$port" | sed 's/ssl;/ssl http2;/')
	access_log $log brief;
	location /none/ { return 404; }
	location /closed/ { access_log $log brief; access_log $web/shown shown; if (\$http_authorization != "Bearer right-token") { return 401; } alias $files/; }
	location /banned/ { access_log $log brief; access_log $web/shown shown; return 403; }
	location /busy/ { return 503; }
	location /moved/ { return 302 https://elsewhere.invalid\$request_uri; }
	location /files/ { root $web; }
}
server {
	$(web_listen "$slow")
	access_log $log brief;
	location /files/ { root $web; limit_rate_after 64k; limit_rate 300k; }
}
END
start_web "$port"
fast="https://localhost:$port/files/{sha256}"

check "the registry names its web servers" describe "['https://localhost:$port/none/{sha256}', '$fast']"
new_client first
asked
check "install" client install flow-count --no-load
equal "both archives, from the second place" "$(answers)" "2 $port 200, 2 $port 404"
equal "over one connection of HTTP/2" "$(awk '{ print $3, $4 }' "$log" | sort -u | wc -l) $(awk '{ print $3 }' "$log" | sort -u)" "1 HTTP/2.0"
equal "they are there" "$(version)" 1.0.0
check "remove" client remove flow-count flow-table
asked
check "offline the cache answers" client --offline install flow-count --no-load
equal "without a request" "$(answers)" ""

# ---- a download that is killed goes on

check "the registry moves to a slow server" describe "https://localhost:$slow/files/{sha256}"
new_client killed
asked
"$IOVPKG" --root "$tmp/killed" install flow-table --no-load >"$out" 2>&1 &
pid=$!
for _ in {1..100}; do [ "$(left 2>/dev/null | xargs -r stat -c %s)" -gt 65536 ] 2>/dev/null && break; sleep 0.05; done
kill -9 $pid; wait $pid 2>/dev/null
there=$(stat -c %s "$(left)")
equal "a part is there" "$([ "$there" -gt 65536 ] && [ "$there" -lt "$length" ] && echo yes)" yes
refuses "offline it is no archive" 11 "run this once without --offline" client --offline install flow-table --no-load
sed -i 's/limit_rate 300k/limit_rate 0/' "$web/nginx.conf" && stop_last_server && start_web "$slow"
asked
check "the same command again" client install flow-table --no-load
equal "it asks for the rest" "$(answers) $(bytes)" "1 $slow 206 $((length - there))"
equal "and it is whole" "$(version)" 1.0.0

# What was left is wrong: found by the digest, and everything is fetched.
new_client damaged
mkdir -p "$tmp/damaged/var/cache/iovpkg/archives" && head -c 1000 /dev/zero >"$tmp/damaged/var/cache/iovpkg/archives/$long.new"
asked
check "what was left is not the beginning of the archive" client install flow-table --no-load
equal "all of it is fetched" "$(answers)" "1 $slow 200, 1 $slow 206"

# ---- servers that are not what they should be

attacked() { # NAME CODE WORDS
	refuses "$1" "$2" "$3" client install flow-table --no-load
	equal "$1: nothing stays of it" "$(left 2>/dev/null)$(ls "$tmp/$client/var/lib/iovpkg/store" 2>/dev/null)" ""
}
new_client attacked
printf x | dd of="$files/$long" bs=1 seek=70000 conv=notrunc status=none
attacked "other bytes" 6 "that were signed"
printf x >>"$files/$long"
attacked "a byte too much" 6 "endless data attack"
head -c 70000 "$web/good/$long" >"$files/$long"
attacked "less than all" 6 "that were signed"
cp "$web/good/$long" "$files/$long"
check "the right bytes again" client install flow-table --no-load

check "the registry names a server that is out of order" describe "https://localhost:$port/busy/{sha256}"
new_client busy
asked
refuses "it is tried three times" 11 "out of order" client install flow-table --no-load
equal "and no more" "$(answers)" "3 $port 503"
check "the registry names one that leads elsewhere" describe "https://localhost:$port/moved/{sha256}"
new_client moved
refuses "a redirect to another server" 11 "could carry credentials away" client install flow-table --no-load
also "it says where" "https://elsewhere.invalid/moved/$long"
check "the registry names one that has nothing" describe "https://localhost:$port/none/{sha256}"
new_client none
refuses "no such archive" 4 "$long' is not there" client install flow-table --no-load

# ---- mirrors that ask for a credential

entries() { { echo "schema: 1"; echo "credentials:"; cat; } >"$tmp/$client/etc/iovpkg/credentials.yaml"; }
printf 'wrong-token\n' >"$tmp/token" && chmod 600 "$tmp/token"
closed="https://localhost:$port/closed/{sha256}" banned="https://localhost:$port/banned/{sha256}"
new_client refused
entries <<<"  - {url: 'https://localhost:$port/closed', token_file: $tmp/token}"
check "the registry names mirrors of which two let only some in" describe "['$closed', '$banned', '$fast']"
asked
says "a mirror that takes not the credential is passed over" "closed/$long' does not accept the credential that the token file '$tmp/token'" client install flow-table --no-load
also "one that lets nobody in, too" "banned/$long' does not let you in"
also "both are told, and that it did no harm" "; a mirror had the archive"
equal "the third had it" "$(answers)" "1 $port 200, 1 $port 401, 1 $port 403"
new_client hopeless
entries <<<"  - {url: 'https://localhost:$port/closed', token_file: $tmp/token}"
check "the registry names mirrors of which none has it" describe "['$closed', '$banned', 'https://localhost:$port/none/{sha256}']"
refuses "none has it" 4 "none/$long' is not there" client install flow-table --no-load
also "the refused credential is told" "closed/$long' does not accept the credential that the token file '$tmp/token'"
also "and who lets nobody in" "banned/$long' does not let you in"
check "the registry names one place" describe "$closed"
refuses "the only place refuses" 11 "does not accept the credential that the token file" client install flow-table --no-load
printf 'right-token\n' >"$tmp/token"
check "the right credential" client install flow-table --no-load
equal "it was shown to its place alone" "$(awk '$2 != "\"-\"" { print $1 }' "$web/shown" | grep -vc '^/closed/')" 0
