/*
 * ct_client.c - the client's operations with secret PIN, secret, draws and answers, under valgrind.
 *
 * Two hardware realms (the real core) and a software one. A user registers, recovers with the right
 * PIN and with wrong ones until no guess is left, with a realm that gives wrong shares, and
 * deletes. Secret are the PIN, the secret, all scalars and keys drawn, and so whatever is made of
 * them: access key, unlock key, shares, Noise keys, the secret that comes back.
 */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/assert.h"
#include "client/fake_realms.h"
#include "ct/declassify.h"

#define CLIENT_GUESSES 3u
#define CLIENT_HARDWARE_REALMS 2u
#define CLIENT_SCALAR_WIDE_SIZE 64u
#define CLIENT_KEY_SIZE 32u

/* What the client draws: keys and scalars are secret; versions and session ids are told. */
static void client_random(void *self, const struct rind_realm_id *realm, void *bytes, size_t size)
{
    struct rind_sdk_world world = fake_world(self);
    world.random(world.self, realm, bytes, size);
    if (size == CLIENT_KEY_SIZE || size == CLIENT_SCALAR_WIDE_SIZE) {
        ct_secret(bytes, size);
    }
}

static bool client_is_hardware(const struct fake_realms *realms, const char *url)
{
    for (size_t i = 0; i < realms->count; i++) {
        if (strcmp(realms->realms[i].url, url) == 0) {
            return realms->realms[i].cluster != NULL;
        }
    }
    RIND_UNREACHABLE("requests go to these realms only");
}

/*
 * What leaves for a hardware realm must be free of secrets. What leaves for a software realm is for
 * TLS to encrypt, and the same holds for what comes back.
 */
static void client_send(void *self, const struct rind_transport_request *request,
                        struct rind_transport_response *response)
{
    struct fake_realms *realms = self;
    bool is_hardware = client_is_hardware(realms, request->url);
    if (!is_hardware) {
        ct_declassify(request->body.data, request->body.size);
    }
    RIND_ASSERT(!ct_is_secret(request->body.data, request->body.size));
    struct rind_transport transport = fake_transport(realms);
    transport.send(transport.self, request, response);
    if (!is_hardware) {
        ct_mark_message(response->body, response->body_size);
    }
}

static struct rind_user *client_user(struct fake_realms *realms,
                                     const struct rind_configuration *configuration)
{
    struct rind_auth_token tokens[FAKE_REALMS_MAX];
    for (size_t i = 0; i < realms->count; i++) {
        memcpy(tokens[i].realm_id, realms->realms[i].config.id, RIND_REALM_ID_SIZE);
        tokens[i].jwt = "alice";
    }
    struct rind_user_options options = {
        .configuration = configuration,
        .tokens = tokens,
        .token_count = realms->count,
        .transport = {client_send, realms},
    };
    struct rind_sdk_world world = fake_world(realms);
    world.random = client_random;
    char why[RIND_SENTENCE_SIZE] = "";
    struct rind_user *user = rind_user_new_in(&world, &options, why);
    RIND_ASSERT(user != NULL);
    return user;
}

static void client_register(struct rind_user *user, const char *pin_text, const char *secret_text)
{
    char pin[8] = "";
    char secret[RIND_SECRET_SIZE_MAX] = "";
    size_t pin_size = strlen(pin_text);
    size_t secret_size = strlen(secret_text);
    memcpy(pin, pin_text, pin_size);
    memcpy(secret, secret_text, secret_size);
    ct_secret(pin, sizeof(pin));
    ct_secret(secret, sizeof(secret));
    enum rind_error error =
        rind_user_register(user, (struct rind_bytes){(const uint8_t *)pin, pin_size},
                           (struct rind_bytes){(const uint8_t *)secret, secret_size},
                           (struct rind_bytes){(const uint8_t *)"info", 4}, CLIENT_GUESSES, NULL);
    RIND_ASSERT(error == RIND_ERROR_NONE);
}

/* If `expected` is not NULL, it comes back and is secret until then; else no guess is right. */
static void client_recover(struct rind_user *user, const char *pin_text, enum rind_error error,
                           const char *expected)
{
    struct rind_recovered recovered;
    char pin[8] = "";
    size_t pin_size = strlen(pin_text);
    memcpy(pin, pin_text, pin_size);
    ct_secret(pin, sizeof(pin));
    RIND_ASSERT(rind_user_recover(user, (struct rind_bytes){(const uint8_t *)pin, pin_size},
                                  (struct rind_bytes){(const uint8_t *)"info", 4}, &recovered,
                                  NULL) == error);
    if (expected == NULL) {
        RIND_ASSERT(!ct_is_secret(&recovered, sizeof(recovered)));
        return;
    }
    RIND_ASSERT(ct_is_secret(recovered.secret, sizeof(recovered.secret)));
    RIND_ASSERT(ct_is_secret(&recovered.secret_size, sizeof(recovered.secret_size)));
    ct_declassify(&recovered, sizeof(recovered));
    RIND_ASSERT(recovered.secret_size == strlen(expected));
    RIND_ASSERT(memcmp(recovered.secret, expected, recovered.secret_size) == 0);
}

static void client_spoil_share(struct fake_realm *realm, const struct rind_secrets_request *request,
                               struct rind_secrets_response *response)
{
    (void)realm;
    (void)request;
    if (response->kind == RIND_SECRETS_RESPONSE_RECOVER3 &&
        response->recover3.kind == RIND_RECOVER3_OK) {
        response->recover3.ok.encryption_key_scalar_share[0] ^= 1;
    }
}

static void client_check(struct fake_realms *realms)
{
    struct rind_configuration *configuration = fake_configuration(realms, 0x7, 3, 2);
    struct rind_user *user = client_user(realms, configuration);
    client_recover(user, "1234", RIND_ERROR_NOT_REGISTERED, NULL);
    client_register(user, "1234", "the secret");
    client_recover(user, "1234", RIND_ERROR_NONE, "the secret");
    client_recover(user, "1235", RIND_ERROR_INVALID_PIN, NULL);
    realms->realms[CLIENT_HARDWARE_REALMS].tamper = client_spoil_share;
    client_recover(user, "1234", RIND_ERROR_NONE, "the secret");
    for (unsigned i = 0; i <= CLIENT_GUESSES; i++) {
        client_recover(user, "123456", RIND_ERROR_INVALID_PIN, NULL);
    }
    client_register(user, "", "");
    client_recover(user, "", RIND_ERROR_NONE, "");
    RIND_ASSERT(rind_user_delete(user, NULL) == RIND_ERROR_NONE);
    rind_user_free(user);
    rind_configuration_free(configuration);
}

int main(void)
{
    if (!RUNNING_ON_VALGRIND) {
        fprintf(stderr, "this program checks something under valgrind only\n");
        return 1;
    }
    struct fake_realms *realms = fake_realms_open(CLIENT_HARDWARE_REALMS, 1);
    client_check(realms);
    fake_realms_close(realms);
    printf("%zu requests to cores, %zu secret bytes in answers\n", ct_request_count(),
           ct_plaintext_count());
    return ct_plaintext_count() > 0 ? 0 : 1;
}
