/* json_members.c - see json_members.h. A single pass over well-formed text; nothing is allocated
 * but for names written with escapes. */
#include "client/json_members.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"

/* The end of the string that starts at `quote`: its closing quote. */
static const char *json_string_end(const char *quote)
{
    const char *at = quote + 1;
    while (*at != '"') {
        at += *at == '\\' ? 2 : 1;
    }
    return at;
}

/* True if the string from `quote` to `end` (its quotes) spells `name`, escapes considered. */
static bool json_string_is(const char *quote, const char *end, const char *name)
{
    size_t length = (size_t)(end - quote) - 1;
    if (memchr(quote, '\\', length) == NULL) {
        return length == strlen(name) && memcmp(quote + 1, name, length) == 0;
    }
    json_t *text = json_loadb(quote, length + 2, JSON_DECODE_ANY, NULL);
    bool is_equal = text != NULL && strcmp(json_string_value(text), name) == 0;
    json_decref(text);
    return is_equal;
}

static bool json_is_member_name(const char *end)
{
    const char *at = end + 1;
    at += strspn(at, " \t\r\n");
    return *at == ':';
}

bool rind_sdk_json_has_duplicate(const char *json, unsigned depth, const char *const *names,
                                 size_t name_count)
{
    RIND_ASSERT(name_count <= RIND_SDK_JSON_NAMES_MAX);
    unsigned depth_now = 0;
    uint32_t seen = 0; /* a bit for each name, of the object we are in at `depth` */
    for (const char *at = json; *at != '\0'; at++) {
        if (*at == '{' || *at == '[') {
            depth_now++;
            seen = depth_now == depth ? 0 : seen;
        } else if (*at == '}' || *at == ']') {
            depth_now--;
        } else if (*at == '"') {
            const char *end = json_string_end(at);
            for (size_t i = 0; i < name_count && depth_now == depth; i++) {
                if (json_is_member_name(end) && json_string_is(at, end, names[i])) {
                    if ((seen >> i & 1u) != 0) {
                        return true;
                    }
                    seen |= (uint32_t)1 << i;
                }
            }
            at = end;
        }
    }
    return false;
}
