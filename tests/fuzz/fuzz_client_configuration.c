/*
 * fuzz_client_configuration.c - configurations, which applications fetch from anywhere.
 *
 * Targets: rind_configuration_parse and what it calls (repeated members, addresses), print, equal.
 * What is accepted must print in a form that is accepted again and equal.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "client/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[RIND_SENTENCE_SIZE];
    char *json = malloc(size + 1);
    RIND_ASSERT(json != NULL);
    if (size > 0) {
        memcpy(json, data, size);
    }
    json[size] = '\0';
    struct rind_configuration *configuration = rind_configuration_parse(json, why);
    if (configuration != NULL) {
        char *printed = rind_configuration_print(configuration);
        RIND_ASSERT(printed != NULL);
        struct rind_configuration *again = rind_configuration_parse(printed, why);
        RIND_ASSERT(rind_configuration_equal(configuration, again));
        rind_configuration_free(again);
        free(printed);
    }
    rind_configuration_free(configuration);
    rind_auth_token_generator_free(rind_auth_token_generator_parse(json, why));
    free(json);
    return 0;
}
