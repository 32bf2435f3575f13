/*
 * json_members.h - finding members that a JSON object has twice.
 *
 * The JSON library either refuses every repetition or keeps the last silently. The protocol refuses
 * repeated known members and ignores unknown ones, even repeated (spec 01 section 13), so that all
 * clients read one configuration alike.
 */
#ifndef RIND_CLIENT_JSON_MEMBERS_H
#define RIND_CLIENT_JSON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#define RIND_SDK_JSON_NAMES_MAX 32u

/*
 * True if an object at nesting `depth` (1: the document itself; each array counts too) has one of
 * the `names` twice. `json` must be well-formed: have it parsed first.
 */
bool rind_sdk_json_has_duplicate(const char *json, unsigned depth, const char *const *names,
                                 size_t name_count);

#endif
