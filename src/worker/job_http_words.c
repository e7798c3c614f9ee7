/* Why a transfer failed, in our words, and whether it is worth another try. */
#include "util/cleanup.h"
#include "worker/job_http.h"

#define AGAIN 1		   /* at once, if the caller likes */
#define PAUSE_MAX_MS 10000 /* of what a server asks for before the next try */
#define CHECK "check the URL and the network, or use --offline"

static const struct {
	CURLcode result;
	enum iov_code code;
	uint64_t again_ms;
	const char *what, *remedy;
} results[] = {
	{CURLE_URL_MALFORMAT, IOV_E_INPUT, 0, "is no URL", "write https://host/path"},
	{CURLE_COULDNT_RESOLVE_HOST, IOV_E_NETWORK, 0, "cannot be reached: its name is not known", CHECK},
	{CURLE_COULDNT_CONNECT, IOV_E_NETWORK, AGAIN, "cannot be reached", CHECK},
	{CURLE_OPERATION_TIMEDOUT, IOV_E_NETWORK, AGAIN, "does not answer", CHECK},
	{CURLE_PARTIAL_FILE, IOV_E_NETWORK, AGAIN, "broke off before the end of the file", "try again"},
	{CURLE_GOT_NOTHING, IOV_E_NETWORK, AGAIN, "hung up without an answer", "try again"},
	{CURLE_RECV_ERROR, IOV_E_NETWORK, AGAIN, "broke off", "try again"},
	{CURLE_SEND_ERROR, IOV_E_NETWORK, AGAIN, "broke off", "try again"},
	{CURLE_HTTP2, IOV_E_NETWORK, AGAIN, "broke off", "try again"},
	{CURLE_HTTP2_STREAM, IOV_E_NETWORK, AGAIN, "broke off", "try again"},
	{CURLE_WEIRD_SERVER_REPLY, IOV_E_NETWORK, 0, "does not speak HTTP", "check the URL"},
	{CURLE_UNSUPPORTED_PROTOCOL, IOV_E_NETWORK, 0, "does not speak HTTP", "check the URL"},
	{CURLE_BAD_CONTENT_ENCODING, IOV_E_UNTRUSTED, 0, "sent data that cannot be decompressed", "tell its host"},
	{CURLE_SSL_CONNECT_ERROR, IOV_E_NETWORK, 0, "cannot be spoken to with TLS", CHECK},
	{CURLE_OUT_OF_MEMORY, IOV_E_INTERNAL, 0, "needs more memory than there is", "try again"},
};

static void explain_certificate(struct iov_http_transfer *transfer, CURLcode result)
{
	const char *ca = transfer->session->job->ca;
	if (result == CURLE_SSL_CACERT_BADFILE)
		iov_http_refuse(transfer, IOV_E_INPUT, 0,
				"the certificates in '%s' cannot be used: %s; it needs to be PEM that everybody may "
				"read",
				ca, transfer->words);
	else
		iov_http_refuse(transfer, IOV_E_NETWORK, 0,
				"'%s': the server's certificate is not trusted (%s); if the server is yours, write the "
				"certificate of its authority to '%s'",
				transfer->url, transfer->words, ca);
}

void iov_http_explain_result(struct iov_http_transfer *transfer, CURLcode result)
{
	const char *words = *transfer->words ? transfer->words : curl_easy_strerror(result);
	if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE) {
		explain_certificate(transfer, result);
		return;
	}
	for (size_t i = 0; i < IOV_COUNT(results); i++)
		if (results[i].result == result) {
			iov_http_refuse(transfer, results[i].code, results[i].again_ms, "'%s' %s (%s); %s",
					transfer->url, results[i].what, words, results[i].remedy);
			return;
		}
	iov_http_refuse(transfer, IOV_E_NETWORK, 0, "'%s' cannot be read: %s; " CHECK, transfer->url, words);
}

static const struct {
	long first, last;
	enum iov_code code;
	uint64_t again_ms;
	const char *what;
} statuses[] = {
	{401, 401, IOV_E_NETWORK, 0,
	 "asks for a credential, and this host has shown it none that it takes; say in credentials.yaml "
	 "where it is"},
	{403, 403, IOV_E_NETWORK, 0, "does not let you in; ask its host for access"},
	{408, 408, IOV_E_NETWORK, AGAIN, "gave up waiting; try again"},
	{410, 410, IOV_E_NETWORK, 0, "is gone for good; ask its host where it is now"},
	{416, 416, IOV_E_NETWORK, AGAIN, "has not the rest of the file; try again"},
	{429, 429, IOV_E_NETWORK, AGAIN, "is asked too often; try again later"},
	{500, 500, IOV_E_NETWORK, AGAIN, "has an error of its own; try again later, and tell its host"},
	{502, 504, IOV_E_NETWORK, AGAIN, "is out of order; try again later, and tell its host"},
	{100, 999, IOV_E_NETWORK, 0, "gives no file; check the URL"},
};

/* What the server asks for, within limits. */
static uint64_t pause_of(const struct iov_http_transfer *transfer, uint64_t least)
{
	curl_off_t seconds = 0;
	if (!least || curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds) || seconds <= 0)
		return least;
	return seconds < PAUSE_MAX_MS / 1000 ? (uint64_t)seconds * 1000 : PAUSE_MAX_MS;
}

void iov_http_explain_status(struct iov_http_transfer *transfer, long status)
{
	for (size_t i = 0; i < IOV_COUNT(statuses); i++)
		if (status >= statuses[i].first && status <= statuses[i].last) {
			iov_http_refuse(transfer, statuses[i].code, pause_of(transfer, statuses[i].again_ms),
					"'%s' %s (HTTP status %ld)", transfer->url, statuses[i].what, status);
			return;
		}
	iov_http_explain_result(transfer, CURLE_WEIRD_SERVER_REPLY);
}
