/* server_timing.c - see server_timing.h. */
#include "cli/check/server_timing.h"

#include <string.h>
#include <strings.h>

#define TIMING_HEADERS_MAX 8u /* lines of server-timing that are looked at */
#define TIMING_VALUE_SIZE 64u

static const struct {
    const char *metric;
    const char *parameter;
} timing_wanted[] = {{"cdn-pop", "desc"},         {"cdn-rid", "desc"},
                     {"cdn-upstream-dns", "dur"}, {"cdn-upstream-connect", "dur"},
                     {"cdn-upstream-fbl", "dur"}, {"cdn-downstream-fbl", "dur"}};

/* What stands up to the next of `stops` that is not within quotes; *at moves onto the stop. */
static struct rind_slice timing_until(const char **at, const char *stops)
{
    const char *start = *at;
    bool is_quoted = false;
    while (**at != '\0' && (is_quoted || strchr(stops, **at) == NULL)) {
        if (**at == '\\' && is_quoted && (*at)[1] != '\0') {
            ++*at;
        } else if (**at == '"') {
            is_quoted = !is_quoted;
        }
        ++*at;
    }
    struct rind_slice found = rind_slice_make(start, (size_t)(*at - start));
    while (found.length > 0 && (found.data[0] == ' ' || found.data[0] == '\t')) {
        found = rind_slice_make(found.data + 1, found.length - 1);
    }
    while (found.length > 0 &&
           (found.data[found.length - 1] == ' ' || found.data[found.length - 1] == '\t')) {
        found.length--;
    }
    return found;
}

static bool timing_is_name(struct rind_slice slice, const char *name)
{
    return slice.length == strlen(name) &&
           strncasecmp((const char *)slice.data, name, slice.length) == 0;
}

/* Without quotes and without what could move a terminal. */
static void timing_copy(struct rind_slice value, char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < value.length && length + 1 < size; i++) {
        uint8_t byte = value.data[i];
        if (byte == '\\' && i + 1 < value.length) {
            byte = value.data[++i];
        } else if (byte == '"') {
            continue;
        }
        text[length++] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
    }
    text[length] = '\0';
}

/* Walks over the parameters of one metric, from behind its name; `parameter` NULL: wants none. */
static bool timing_find_parameter(const char **at, const char *parameter, char *text, size_t size)
{
    bool is_found = false;
    while (**at == ';') {
        ++*at;
        struct rind_slice name = timing_until(at, "=;,");
        if (**at != '=') {
            continue;
        }
        ++*at;
        struct rind_slice value = timing_until(at, ";,");
        if (!is_found && parameter != NULL && timing_is_name(name, parameter)) {
            timing_copy(value, text, size);
            is_found = true;
        }
    }
    return is_found;
}

bool rind_server_timing_find(const char *header, const char *metric, const char *parameter,
                             char *text, size_t size)
{
    const char *at = header;
    for (;;) {
        struct rind_slice name = timing_until(&at, ";,");
        bool is_wanted = timing_is_name(name, metric);
        if (timing_find_parameter(&at, is_wanted ? parameter : NULL, text, size)) {
            return true;
        }
        if (*at == '\0') {
            return false;
        }
        at++;
    }
}

/* From whichever of the lines has it. */
static bool timing_find_any(const struct rind_https_exchange *exchange, size_t wanted, char *text,
                            size_t size)
{
    for (size_t i = 0; i < TIMING_HEADERS_MAX; i++) {
        const char *header = exchange->header(exchange, "server-timing", i);
        if (header == NULL) {
            return false;
        }
        if (rind_server_timing_find(header, timing_wanted[wanted].metric,
                                    timing_wanted[wanted].parameter, text, size)) {
            return true;
        }
    }
    return false;
}

void rind_server_timing_describe(const struct rind_https_exchange *exchange,
                                 char text[static RIND_SERVER_TIMING_TEXT_SIZE])
{
    char value[TIMING_VALUE_SIZE];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, text, RIND_SERVER_TIMING_TEXT_SIZE - 1);
    for (size_t i = 0; i < sizeof(timing_wanted) / sizeof(timing_wanted[0]); i++) {
        if (timing_find_any(exchange, i, value, sizeof(value))) {
            rind_buffer_print(&buffer, "%s%s %s", buffer.length > 0 ? ", " : "",
                              timing_wanted[i].metric, value);
        }
    }
    const char *ray = exchange->header(exchange, "cf-ray", 0);
    if (buffer.length == 0 && ray != NULL) {
        timing_copy(rind_slice_text(ray), value, sizeof(value));
        rind_buffer_print(&buffer, "cf-ray %s", value);
    }
    text[buffer.length] = '\0';
}
