#include "registry/site.h"

#include "util/buf.h"

static const char before[] =
	"# nginx for a registry of iovpkg as static files. Put it into the http section, for example with\n"
	"#   ln -s THIS-FILE /etc/nginx/conf.d/iovpkg-registry.conf\n"
	"# after setting the name and the certificate. Nothing here is secret or trusted: clients check what they "
	"read.\n"
	"\n"
	"server {\n"
	"	# HTTP/2: clients ask for several small files at once, over one connection.\n"
	"	listen 443 ssl http2;\n"
	"	listen [::]:443 ssl http2;\n"
	"	server_name registry.example.org;\n"
	"	ssl_certificate /etc/ssl/registry.pem;\n"
	"	ssl_certificate_key /etc/ssl/private/registry.key;\n"
	"	ssl_protocols TLSv1.2 TLSv1.3;\n"
	"	ssl_session_cache shared:iovpkg:1m;\n"
	"	keepalive_timeout 60s;\n"
	"\n";

static const char after[] =
	"	# Reading only; the folder's own notes (.iovpkg) and half-written files begin with a dot.\n"
	"	if ($request_method !~ ^(GET|HEAD)$) { return 405; }\n"
	"	location ~ /\\. { return 404; }\n"
	"	autoindex off;\n"
	"	default_type application/octet-stream;\n"
	"\n"
	"	# Lists and JSON shrink to a half or a tenth. With ready-made .gz files beside them add `gzip_static "
	"on;`.\n"
	"	gzip on;\n"
	"	gzip_min_length 1024;\n"
	"	gzip_comp_level 6;\n"
	"	gzip_types application/octet-stream;\n"
	"	gzip_vary on;\n"
	"\n"
	"	# What tells whether there is anything new is asked for each time: with an ETag, so the answer is "
	"mostly 304.\n"
	"	etag on;\n"
	"	location = /head.note { add_header Cache-Control no-cache; }\n"
	"	location = /checkpoint { add_header Cache-Control no-cache; }\n"
	"	# These change with a publish. A client that meets an old one in a cache finds the right one under its "
	"hash.\n"
	"	location /manifest/ { add_header Cache-Control \"max-age=60\"; }\n"
	"	location /index/ { add_header Cache-Control \"max-age=60\"; }\n"
	"	# These never change: archives, copies under their hash, roots, full tiles of the log. Archives come "
	"in parts, too\n"
	"	# (Range), and are compressed already.\n"
	"	location /packages/ { gzip off; add_header Cache-Control \"max-age=31536000, immutable\"; }\n"
	"	location /by-hash/ { add_header Cache-Control \"max-age=31536000, immutable\"; }\n"
	"	location = /by-hash/recent { add_header Cache-Control no-cache; }\n"
	"	location /root/ { add_header Cache-Control \"max-age=60\"; }\n"
	"	location /tile/ { gzip off; add_header Cache-Control \"max-age=31536000, immutable\"; }\n"
	"	location /tile/entries/ { add_header Cache-Control \"max-age=31536000, immutable\"; }\n"
	"}\n";

int iov_site_nginx(struct iov_ctx *ctx, const char *folder, const char *origin, struct iov_buf *ret)
{
	iov_buf_puts(ret, before);
	iov_buf_printf(ret, "	# %s\n	root \"%s\";\n\n", origin, folder);
	iov_buf_puts(ret, after);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}
