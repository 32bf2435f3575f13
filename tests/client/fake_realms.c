/* fake_realms.c - see fake_realms.h. */
#include "client/fake_realms.h"

#include <sodium.h>
#include <time.h>

#include "client/join.h"
#include "hsm/user_app.h"
#include "support/test.h"

#define HANG_MS_MAX 30000u

/* ---- The client's world ---- */

static void world_random(void *self, const struct rind_realm_id *realm, void *bytes, size_t size)
{
    (void)self;
    (void)realm;
    randombytes_buf(bytes, size);
}

static uint64_t world_now_ms(void *self)
{
    struct fake_realms *realms = self;
    pthread_mutex_lock(&realms->lock);
    uint64_t now_ms = realms->now_ms;
    pthread_mutex_unlock(&realms->lock);
    return now_ms;
}

static void world_sleep_ms(void *self, uint32_t duration_ms)
{
    struct fake_realms *realms = self;
    pthread_mutex_lock(&realms->lock);
    if (realms->sleep_count < FAKE_SLEEPS_MAX) {
        realms->sleeps_ms[realms->sleep_count++] = duration_ms;
    }
    realms->now_ms += duration_ms;
    pthread_mutex_unlock(&realms->lock);
}

struct rind_sdk_world fake_world(struct fake_realms *realms)
{
    return (struct rind_sdk_world){world_random, world_now_ms, world_sleep_ms, realms,
                                   realms->join_grace_ms};
}

/* ---- Answering ---- */

static void answer(struct rind_transport_response *response, uint16_t status, struct rind_ctx *ctx,
                   const struct rind_schema *schema, const void *value)
{
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, response->body, sizeof(response->body));
    assert_true(rind_is_ok(rind_wire_encode(ctx, schema, value, &buffer)));
    response->body_size = buffer.length;
    response->status = status;
}

static uint16_t refusal_status(enum rind_client_response_kind kind)
{
    switch (kind) {
    case RIND_CLIENT_RESPONSE_OK:
        return 200;
    case RIND_CLIENT_RESPONSE_UNAVAILABLE:
        return 503;
    case RIND_CLIENT_RESPONSE_INVALID_AUTH:
        return 401;
    case RIND_CLIENT_RESPONSE_RATE_LIMIT_EXCEEDED:
        return 429;
    default:
        return 400;
    }
}

static struct rind_record_id record_id_of(struct rind_slice token)
{
    struct rind_record_id id;
    rind_blake2s(token, id.bytes);
    return id;
}

/* A handshake without a request. */
static struct rind_client_response hardware_handshake(struct fake_realm *realm,
                                                      const struct rind_client_request *request)
{
    struct cluster *cluster = realm->cluster;
    struct rind_hsm_request inner = {
        .kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
        .handshake = {.realm = cluster->realm,
                      .group = realm->group,
                      .record_id = record_id_of(request->auth_token),
                      .session_id = request->session_id,
                      .handshake = request->encrypted.handshake.handshake}};
    struct rind_hsm_handshake_response outcome;
    cluster_send(cluster, 0, &inner, &outcome);
    if (outcome.kind != RIND_HSM_HANDSHAKE_OK) {
        return (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_SESSION_ERROR};
    }
    return (struct rind_client_response){
        .kind = RIND_CLIENT_RESPONSE_OK,
        .ok = {.kind = RIND_NOISE_RESPONSE_HANDSHAKE,
               .handshake = {.handshake = outcome.ok.noise,
                             .session_lifetime = outcome.ok.session_lifetime}}};
}

/* A request: through the core, the log and a commit. */
static struct rind_client_response hardware_app(struct fake_realm *realm,
                                                const struct rind_client_request *request)
{
    struct cluster *cluster = realm->cluster;
    struct cluster_client client = {.record_id = record_id_of(request->auth_token),
                                    .session_id = request->session_id};
    struct rind_hsm_app_response outcome =
        cluster_app(cluster, 0, &realm->group, &client, &request->encrypted);
    switch (outcome.kind) {
    case RIND_HSM_APP_OK:
        break;
    case RIND_HSM_APP_MISSING_SESSION:
        return (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_MISSING_SESSION};
    case RIND_HSM_APP_SESSION_ERROR:
        return (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_SESSION_ERROR};
    default:
        return (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_DECODING_ERROR};
    }
    assert_true(cluster_append(cluster, &realm->group, &outcome.ok.entry, &outcome.ok.delta));
    struct rind_hsm_commit_response commit = cluster_commit(cluster, 0, &realm->group);
    const struct rind_released_response *released =
        cluster_released(&commit, &outcome.ok.entry.entry_mac);
    assert_non_null(released);
    return (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_OK, .ok = released->response};
}

static void hardware_answer(struct fake_realm *realm, const struct rind_transport_request *request,
                            struct rind_transport_response *response)
{
    struct cluster *cluster = realm->cluster;
    struct rind_client_request envelope;
    struct rind_client_response outcome;
    cluster_reset(cluster);
    if (!rind_is_ok(rind_wire_decode_strict(&cluster->ctx, &rind_client_request_schema,
                                            rind_slice_make(request->body.data, request->body.size),
                                            &envelope))) {
        outcome = (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_DECODING_ERROR};
    } else if (envelope.auth_token.length >= 3 && memcmp(envelope.auth_token.data, "bad", 3) == 0) {
        outcome = (struct rind_client_response){.kind = RIND_CLIENT_RESPONSE_INVALID_AUTH};
    } else if (envelope.kind == RIND_CLIENT_REQUEST_HANDSHAKE_ONLY) {
        assert_int_equal(envelope.encrypted.kind, RIND_NOISE_REQUEST_HANDSHAKE);
        realm->handshake_count++;
        realm->handshake_only_count++;
        outcome = hardware_handshake(realm, &envelope);
    } else {
        realm->handshake_count += envelope.encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE;
        outcome = hardware_app(realm, &envelope);
    }
    if (outcome.kind == RIND_CLIENT_RESPONSE_OK && realm->has_session_lifetime &&
        outcome.ok.kind == RIND_NOISE_RESPONSE_HANDSHAKE) {
        outcome.ok.handshake.session_lifetime = realm->session_lifetime;
    }
    answer(response, refusal_status(outcome.kind), &cluster->ctx, &rind_client_response_schema,
           &outcome);
}

static struct rind_user_record *software_record(struct fake_realm *realm, const char *token)
{
    for (size_t i = 0; i < realm->user_count; i++) {
        if (strcmp(realm->users[i].token, token) == 0) {
            return &realm->users[i].record;
        }
    }
    assert_true(realm->user_count < FAKE_USERS_MAX);
    struct fake_software_user *user = &realm->users[realm->user_count++];
    (void)snprintf(user->token, sizeof(user->token), "%s", token);
    user->record.registration_state.kind = RIND_REGISTRATION_NOT_REGISTERED;
    return &user->record;
}

static void random_fill(void *self, void *bytes, size_t size)
{
    (void)self;
    randombytes_buf(bytes, size);
}

static const char *bearer_token(const struct rind_transport_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, "Authorization") == 0) {
            assert_memory_equal(request->headers[i].value, "Bearer ", 7);
            return request->headers[i].value + 7;
        }
    }
    return "bad";
}

static void software_answer(struct fake_realm *realm, const struct rind_transport_request *request,
                            struct rind_transport_response *response)
{
    static const struct rind_random random = {random_fill, NULL};
    uint8_t memory[4096];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_secrets_request decoded;
    struct rind_hsm_user_outcome outcome;
    const char *token = bearer_token(request);
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    if (strncmp(token, "bad", 3) == 0) {
        response->status = 401;
        return;
    }
    if (!rind_is_ok(rind_hsm_secrets_request_decode(
            &ctx, rind_slice_make(request->body.data, request->body.size), &decoded))) {
        response->status = 400;
        return;
    }
    realm->recover3_count += decoded.kind == RIND_SECRETS_REQUEST_RECOVER3;
    rind_hsm_user_app(&random, &decoded, software_record(realm, token), &outcome);
    if (realm->tamper != NULL) {
        realm->tamper(realm, &decoded, &outcome.response);
    }
    answer(response, 200, &ctx, &rind_secrets_response_schema, &outcome.response);
}

/* ---- The transport ---- */

static struct fake_fault next_fault(struct fake_realm *realm)
{
    return realm->fault_next < realm->fault_count ? realm->faults[realm->fault_next++]
                                                  : realm->fault_always;
}

static void hang(const struct rind_transport_request *request)
{
    for (unsigned waited_ms = 0; !request->is_abandoned(request->abandon_self); waited_ms++) {
        assert_true(waited_ms < HANG_MS_MAX);
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

static void realm_answer(struct fake_realm *realm, const struct rind_transport_request *request,
                         struct rind_transport_response *response)
{
    if (realm->cluster != NULL) {
        hardware_answer(realm, request, response);
    } else {
        software_answer(realm, request, response);
    }
}

/* Called locked; true if the request hangs, for which the lock must go. */
static bool realm_serve(struct fake_realm *realm, const struct rind_transport_request *request,
                        struct rind_transport_response *response)
{
    struct fake_fault fault = next_fault(realm);
    realm->request_count++;
    switch (fault.kind) {
    case FAKE_NONE:
        realm_answer(realm, request, response);
        break;
    case FAKE_REFUSED:
        response->was_not_sent = true;
        break;
    case FAKE_LOST_REQUEST:
        break;
    case FAKE_LOST_RESPONSE:
        realm_answer(realm, request, response);
        memset(response, 0, sizeof(*response));
        break;
    case FAKE_ANSWER:
        memcpy(response->body, fault.body, fault.body_size);
        response->body_size = fault.body_size;
        response->status = fault.status;
        break;
    case FAKE_HANG:
        return true;
    }
    return false;
}

static void wait_for_other(const struct fake_realm *realm)
{
    struct fake_realm *other = realm->waits_for;
    for (unsigned waited_ms = 0; other != NULL; waited_ms++) {
        pthread_mutex_lock(&other->lock);
        bool is_reached = other->request_count >= realm->waits_for_request_count;
        pthread_mutex_unlock(&other->lock);
        if (is_reached) {
            return;
        }
        assert_true(waited_ms < HANG_MS_MAX);
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

static void fake_send(void *self, const struct rind_transport_request *request,
                      struct rind_transport_response *response)
{
    struct fake_realms *realms = self;
    for (size_t i = 0; i < realms->count; i++) {
        struct fake_realm *realm = &realms->realms[i];
        if (strcmp(realm->url, request->url) == 0) {
            wait_for_other(realm);
            pthread_mutex_lock(&realm->lock);
            bool is_hanging = realm_serve(realm, request, response);
            pthread_mutex_unlock(&realm->lock);
            if (is_hanging) {
                hang(request);
            }
            return;
        }
    }
    fail_msg("no realm at %s", request->url);
}

struct rind_transport fake_transport(struct fake_realms *realms)
{
    return (struct rind_transport){fake_send, realms};
}

/* ---- Faults ---- */

void fake_fault_add(struct fake_realm *realm, enum fake_fault_kind kind)
{
    assert_true(realm->fault_count < FAKE_FAULTS_MAX);
    realm->faults[realm->fault_count++] = (struct fake_fault){.kind = kind};
}

void fake_fault_add_text(struct fake_realm *realm, uint16_t status, const char *text)
{
    struct fake_fault fault = {.kind = FAKE_ANSWER, .status = status, .body_size = strlen(text)};
    assert_true(fault.body_size <= sizeof(fault.body));
    memcpy(fault.body, text, fault.body_size);
    assert_true(realm->fault_count < FAKE_FAULTS_MAX);
    realm->faults[realm->fault_count++] = fault;
}

void fake_fault_add_refusal(struct fake_realm *realm, uint16_t status,
                            enum rind_client_response_kind kind)
{
    struct fake_fault fault = {.kind = FAKE_ANSWER, .status = status};
    struct rind_client_response refusal = {.kind = kind};
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, fault.body, sizeof(fault.body));
    assert_true(
        rind_is_ok(rind_wire_encode(NULL, &rind_client_response_schema, &refusal, &buffer)));
    fault.body_size = buffer.length;
    assert_true(realm->fault_count < FAKE_FAULTS_MAX);
    realm->faults[realm->fault_count++] = fault;
}

/* ---- Opening ---- */

struct fake_realms *fake_realms_open(size_t hardware, size_t software)
{
    assert_true(hardware + software <= FAKE_REALMS_MAX);
    assert_true(sodium_init() >= 0);
    struct fake_realms *realms = calloc(1, sizeof(*realms));
    assert_non_null(realms);
    realms->now_ms = 1000000;
    realms->join_grace_ms = RIND_SDK_JOIN_GRACE_MS;
    pthread_mutex_init(&realms->lock, NULL);
    realms->count = hardware + software;
    for (size_t i = 0; i < realms->count; i++) {
        struct fake_realm *realm = &realms->realms[i];
        pthread_mutex_init(&realm->lock, NULL);
        if (i < hardware) {
            realm->cluster = cluster_new(1, 1000 + i);
            realm->group = cluster_new_realm_and_group(realm->cluster);
            memcpy(realm->config.id, realm->cluster->realm.bytes, RIND_REALM_ID_SIZE);
            realm->config.has_public_key = true;
            memcpy(realm->config.public_key,
                   realm->cluster->hsms[0].keys.communication_public.bytes,
                   RIND_REALM_PUBLIC_KEY_SIZE);
        } else {
            /* Descending, so that places and share indexes differ. */
            memset(realm->config.id, (int)(0xf0 - i), RIND_REALM_ID_SIZE);
        }
        (void)snprintf(realm->address, sizeof(realm->address), "https://realm-%zu.example/", i);
        (void)snprintf(realm->url, sizeof(realm->url), "https://realm-%zu.example/req", i);
        realm->config.address = realm->address;
    }
    return realms;
}

void fake_realms_close(struct fake_realms *realms)
{
    for (size_t i = 0; i < realms->count; i++) {
        if (realms->realms[i].cluster != NULL) {
            cluster_free(realms->realms[i].cluster);
        }
        pthread_mutex_destroy(&realms->realms[i].lock);
    }
    pthread_mutex_destroy(&realms->lock);
    free(realms);
}

struct rind_configuration *fake_configuration(const struct fake_realms *realms, unsigned mask,
                                              uint32_t register_threshold,
                                              uint32_t recover_threshold)
{
    struct rind_realm chosen[FAKE_REALMS_MAX];
    char why[RIND_SENTENCE_SIZE] = "";
    size_t count = 0;
    for (size_t i = 0; i < realms->count; i++) {
        if ((mask >> i & 1u) != 0) {
            chosen[count++] = realms->realms[i].config;
        }
    }
    struct rind_configuration *configuration = rind_configuration_new(
        chosen, count, register_threshold, recover_threshold, RIND_PIN_HASHING_FAST_INSECURE, why);
    assert_string_equal(why, "");
    return configuration;
}

struct rind_user *fake_user_with_previous(struct fake_realms *realms, const char *token,
                                          const struct rind_configuration *configuration,
                                          const struct rind_configuration *previous)
{
    struct rind_auth_token tokens[FAKE_REALMS_MAX];
    for (size_t i = 0; i < realms->count; i++) {
        memcpy(tokens[i].realm_id, realms->realms[i].config.id, RIND_REALM_ID_SIZE);
        tokens[i].jwt = token;
    }
    struct rind_user_options options = {
        .configuration = configuration,
        .previous = &previous,
        .previous_count = previous != NULL ? 1 : 0,
        .tokens = tokens,
        .token_count = realms->count,
        .transport = fake_transport(realms),
    };
    struct rind_sdk_world world = fake_world(realms);
    char why[RIND_SENTENCE_SIZE] = "";
    struct rind_user *user = rind_user_new_in(&world, &options, why);
    assert_string_equal(why, "");
    return user;
}

struct rind_user *fake_user(struct fake_realms *realms, const char *token,
                            const struct rind_configuration *configuration)
{
    return fake_user_with_previous(realms, token, configuration, NULL);
}
