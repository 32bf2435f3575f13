/*
 * address.c - see address.h. libcurl's URL functions do the parsing, libidn2 international names
 * (libcurl itself reads these in the locale's character set, which a library cannot rely on).
 */
#include "client/address.h"

#include <curl/curl.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/failure.h"

#define ADDRESS_SIZE_MAX 2048u /* characters of an address; real ones have under 100 */
#define REQUEST_PATH "req"

/* The parts of a URL, host in ASCII; released together. */
struct address_parts {
    char *scheme;
    char *host;
    char *port;
    char *path;
    char *query;
    char *fragment;
};

static void address_parts_free(struct address_parts *parts)
{
    curl_free(parts->scheme);
    free(parts->host);
    curl_free(parts->port);
    curl_free(parts->path);
    curl_free(parts->query);
    curl_free(parts->fragment);
}

/* What stands in a path or query only percent-encoded (WHATWG); libcurl encodes in lower case. */
static bool address_needs_encoding(unsigned char byte)
{
    return byte <= ' ' || byte > 0x7e || strchr("\"<>`{}", byte) != NULL;
}

/* The length of "http://" or "https://" at the start, in whatever case; 0 if there is neither. */
static size_t address_scheme_length(const char *address)
{
    if (strncasecmp(address, "https://", 8) == 0) {
        return 8;
    }
    return strncasecmp(address, "http://", 7) == 0 ? 7 : 0;
}

/*
 * The address without blanks and control characters around it, encoded behind the host. Release
 * with free(); NULL with the reason if it cannot be one.
 */
static char *address_prepare(const char *address, char *why)
{
    while (*address != '\0' && (unsigned char)*address <= ' ') {
        address++;
    }
    size_t length = strnlen(address, ADDRESS_SIZE_MAX + 1u);
    while (length > 0 && (unsigned char)address[length - 1] <= ' ') {
        length--;
    }
    size_t scheme_length = address_scheme_length(address);
    if (scheme_length == 0 || length > ADDRESS_SIZE_MAX) {
        rind_sdk_why(why, "address must start with https:// or http:// and have at most %u bytes",
                     ADDRESS_SIZE_MAX);
        return NULL;
    }
    char *prepared = malloc(3 * length + 1);
    if (prepared == NULL) {
        rind_sdk_why(why, "out of memory");
        return NULL;
    }
    size_t host_end = scheme_length + strcspn(address + scheme_length, "/?#");
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)address[i];
        if (i >= host_end && address_needs_encoding(byte)) {
            used += (size_t)sprintf(prepared + used, "%%%02X", (unsigned)byte);
        } else {
            prepared[used++] = (char)byte;
        }
    }
    prepared[used] = '\0';
    return prepared;
}

/* Gets an optional part; a missing one is NULL. */
static bool address_part(CURLU *url, CURLUPart what, unsigned int flags, char **part)
{
    CURLUcode code = curl_url_get(url, what, part, flags);
    return code == CURLUE_OK || code == CURLUE_NO_PORT || code == CURLUE_NO_QUERY ||
           code == CURLUE_NO_FRAGMENT;
}

/* The ASCII form, in lower case, of a host name in UTF-8; release with free(). NULL if it has none.
 */
static char *address_host_to_ascii(const char *host)
{
    bool is_ascii = true;
    for (const char *at = host; *at != '\0'; at++) {
        is_ascii &= (unsigned char)*at < 0x80;
    }
    if (is_ascii) {
        char *lower = strdup(host);
        for (char *at = lower; at != NULL && *at != '\0'; at++) {
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        }
        return lower;
    }
    char *ascii = NULL;
    if (idn2_to_ascii_8z(host, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK) {
        return NULL;
    }
    char *copy = strdup(ascii);
    idn2_free(ascii);
    return copy;
}

/* A name in ASCII without what WHATWG forbids in one ("forbidden domain code points"), or [IPv6].
 */
static bool address_host_is_allowed(const char *host)
{
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        return strspn(host + 1, "0123456789abcdef:.") == length - 2;
    }
    for (const char *at = host; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("#%/:<>?@[\\]^|", *at) != NULL) {
            return false;
        }
    }
    return length > 0;
}

static bool address_host(CURLU *url, char **host)
{
    char *name = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK) {
        return false;
    }
    *host = address_host_to_ascii(name);
    curl_free(name);
    return *host != NULL && address_host_is_allowed(*host);
}

static char *address_join(const struct address_parts *parts)
{
    char *normal = NULL;
    int length = asprintf(
        &normal, "%s://%s%s%s%s%s%s%s%s", parts->scheme, parts->host,
        parts->port == NULL ? "" : ":", parts->port == NULL ? "" : parts->port, parts->path,
        parts->query == NULL ? "" : "?", parts->query == NULL ? "" : parts->query,
        parts->fragment == NULL ? "" : "#", parts->fragment == NULL ? "" : parts->fragment);
    return length < 0 ? NULL : normal;
}

static char *address_normalise_with(CURLU *url, const char *prepared, struct address_parts *parts,
                                    char *why)
{
    CURLUcode code =
        curl_url_set(url, CURLUPART_URL, prepared, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK) {
        rind_sdk_why(why, "address is not an absolute URL: %s", curl_url_strerror(code));
        return NULL;
    }
    if (!address_part(url, CURLUPART_SCHEME, 0, &parts->scheme) ||
        !address_host(url, &parts->host) ||
        !address_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, &parts->port) ||
        !address_part(url, CURLUPART_PATH, 0, &parts->path) ||
        !address_part(url, CURLUPART_QUERY, 0, &parts->query) ||
        !address_part(url, CURLUPART_FRAGMENT, 0, &parts->fragment)) {
        rind_sdk_why(why, "address has no usable host name");
        return NULL;
    }
    char *normal = address_join(parts);
    if (normal == NULL) {
        rind_sdk_why(why, "out of memory");
    }
    return normal;
}

char *rind_sdk_address_normalise(const char *address, char *why)
{
    struct address_parts parts = {0};
    char *normal = NULL;
    char *prepared = address_prepare(address, why);
    CURLU *url = curl_url();
    if (url == NULL) {
        rind_sdk_why(why, "out of memory");
    } else if (prepared != NULL) {
        normal = address_normalise_with(url, prepared, &parts, why);
    }
    address_parts_free(&parts);
    curl_url_cleanup(url);
    free(prepared);
    return normal;
}

char *rind_sdk_address_request_url(const char *normal_address)
{
    size_t length = strcspn(normal_address, "?#");
    while (length > 0 && normal_address[length - 1] != '/') {
        length--;
    }
    char *url = NULL;
    int printed = asprintf(&url, "%.*s" REQUEST_PATH, (int)length, normal_address);
    return printed < 0 ? NULL : url;
}
