/*
 * recover.c - gets a secret back with a PIN.
 *
 *     RIND_PIN=1234 example_recover CONFIGURATION.json TOKENS.txt [CA.pem]
 *
 * TOKENS.txt has a line for each realm: its id (32 hex digits), a blank, its token. CA.pem: the
 * only roots to trust, for realms whose certificate is your own.
 */
#include <rind/rind.h>
#include <stdio.h>
#include <stdlib.h>

/* Finds the realm's line. Called for every request, so a renewed file takes effect at once. */
static bool token_get(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                      size_t size)
{
    char wanted[2 * RIND_REALM_ID_SIZE + 1], id[2 * RIND_REALM_ID_SIZE + 1];
    for (int i = 0; i < RIND_REALM_ID_SIZE; i++) {
        snprintf(wanted + 2 * i, 3, "%02x", realm_id[i]);
    }
    FILE *file = fopen(self, "r");
    bool found = false;
    while (file != NULL && !found && size >= 2048 && fscanf(file, "%32s %2047s", id, jwt) == 2) {
        found = strcmp(id, wanted) == 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

int main(int argc, char **argv)
{
    static char json[65536], why[RIND_SENTENCE_SIZE];
    const char *pin = getenv("RIND_PIN");
    FILE *file = argc == 3 || argc == 4 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || pin == NULL) {
        fprintf(stderr,
                "usage: RIND_PIN=1234 example_recover CONFIGURATION.json TOKENS.txt [CA.pem]\n");
        return 2;
    }
    json[fread(json, 1, sizeof(json) - 1, file)] = '\0';
    fclose(file);
    struct rind_configuration *configuration = rind_configuration_parse(json, why);
    struct rind_https_options trust = {.ca_file = argc == 4 ? argv[3] : NULL};
    struct rind_https *https = configuration != NULL ? rind_https_new(&trust, why) : NULL;
    struct rind_user *user = NULL;
    if (https != NULL) {
        struct rind_user_options options = {.configuration = configuration,
                                            .token_get = token_get,
                                            .token_self = argv[2],
                                            .transport = rind_https_transport(https)};
        user = rind_user_new(&options, why);
    }
    struct rind_failure failure = {.error = RIND_ERROR_INVALID_ARGUMENT};
    struct rind_recovered recovered;
    if (user == NULL) {
        fprintf(stderr, "%s\n", why);
    } else if (rind_user_recover(user, RIND_TEXT(pin), RIND_TEXT(""), &recovered, &failure) != 0) {
        fprintf(stderr, "%s: %s\n", rind_error_name(failure.error), failure.sentence);
    } else {
        fwrite(recovered.secret, 1, recovered.secret_size, stdout);
        rind_recovered_wipe(&recovered);
    }
    rind_user_free(user);
    rind_https_free(https);
    rind_configuration_free(configuration);
    return failure.error == RIND_ERROR_NONE ? 0 : 1;
}
