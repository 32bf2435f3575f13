/*
 * The recorded run of the public JavaScript SDK, played again: given the same random values and the
 * same answers, our requests and results are byte for byte those of the SDK.
 * Format: docs/spec/01-client-protocol.md section 19.1.
 */
#include "client/client.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "client/user.h"
#include "support/test.h"
#include "support/vectors.h"
#include "wire/wire.h"

#define REALMS_MAX 8
#define EXCHANGES_MAX 256
#define RANDOM_SIZE_MAX 4096
#define SESSION_LIFETIME_S 5
#define WAIT_FOR_ABANDONMENT_MS 20000u

/* What one realm says and the randomness of its sessions, during one operation. */
struct player_realm {
    const char *id;
    char url[128];
    const json_t *exchanges[64]; /* of the operation, in order */
    size_t exchange_count;
    size_t sent_count;
    size_t asked_count; /* exchanges that a token was asked for */
    uint8_t random[RANDOM_SIZE_MAX];
    size_t random_size;
    size_t random_used;
};

struct player {
    json_t *recording;
    const json_t *exchanges;
    struct rind_user *user;
    struct player_realm realms[REALMS_MAX];
    size_t realm_count;
    uint8_t random[RANDOM_SIZE_MAX]; /* of the operation itself */
    size_t random_size;
    size_t random_used;
    bool is_sent[EXCHANGES_MAX]; /* by number of the exchange */
    uint64_t now_ms;
    pthread_mutex_t lock;
    pthread_cond_t sent;
    uint8_t memory[1 << 20];
    struct rind_arena arena;
};

static struct player player;

static struct player_realm *player_realm_by_id(const char *id)
{
    for (size_t i = 0; i < player.realm_count; i++) {
        if (strcmp(player.realms[i].id, id) == 0) {
            return &player.realms[i];
        }
    }
    fail_msg("no realm %s", id);
    return NULL;
}

static void player_random(void *self, const struct rind_realm_id *realm, void *bytes, size_t size)
{
    (void)self;
    pthread_mutex_lock(&player.lock);
    uint8_t *random = player.random;
    size_t *used = &player.random_used;
    size_t available = player.random_size;
    if (realm != NULL) {
        char id[RIND_HEX_SIZE(16)];
        rind_hex_encode(RIND_SLICE_OF(realm->bytes), id);
        struct player_realm *of = player_realm_by_id(id);
        random = of->random;
        used = &of->random_used;
        available = of->random_size;
    }
    assert_true(*used + size <= available);
    memcpy(bytes, random + *used, size);
    *used += size;
    pthread_mutex_unlock(&player.lock);
}

static uint64_t player_now_ms(void *self)
{
    (void)self;
    return player.now_ms;
}

static void player_sleep_ms(void *self, uint32_t duration_ms)
{
    (void)self;
    (void)duration_ms;
}

/* The token that the recorded request of this realm carries. */
static bool player_token(void *self, const uint8_t realm_id[16], char *jwt, size_t jwt_size)
{
    (void)self;
    char id[RIND_HEX_SIZE(16)];
    rind_hex_encode(rind_slice_make(realm_id, 16), id);
    pthread_mutex_lock(&player.lock);
    struct player_realm *realm = player_realm_by_id(id);
    assert_true(realm->asked_count < realm->exchange_count);
    const json_t *exchange = realm->exchanges[realm->asked_count++];
    const json_t *headers = rind_vectors_get(exchange, "request_headers");
    struct rind_slice token;
    if (json_object_get(exchange, "leg") == NULL) {
        const char *authorization = rind_vectors_text(headers, "Authorization");
        token = rind_slice_text(authorization + strlen("Bearer "));
    } else {
        struct rind_client_request request;
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, &player.arena);
        assert_true(rind_is_ok(rind_wire_decode_strict(
            &ctx, &rind_client_request_schema,
            rind_vectors_hex(exchange, "request_body", &player.arena), &request)));
        token = request.auth_token;
    }
    assert_true(token.length < jwt_size);
    memcpy(jwt, token.data, token.length);
    jwt[token.length] = '\0';
    pthread_mutex_unlock(&player.lock);
    return true;
}

/*
 * True if the SDK had stopped waiting when this answer came: the session of a good answer would
 * have been used again, but the next request to the realm opens a new one.
 */
static bool exchange_came_too_late(const json_t *exchange)
{
    const json_t *operations = rind_vectors_get(player.recording, "operations");
    size_t number = (size_t)rind_vectors_integer(exchange, "operation");
    const json_t *operation = json_array_get(operations, number);
    const json_t *result = rind_vectors_get(operation, "result");
    const json_t *response = json_object_get(exchange, "client_response");
    if (json_object_get(result, "error") == NULL || response == NULL ||
        strcmp(json_string_value(response), "Ok") != 0) {
        return false;
    }
    size_t index;
    const json_t *later;
    for (index = (size_t)rind_vectors_integer(exchange, "seq") + 1;
         index < json_array_size(player.exchanges); index++) {
        later = json_array_get(player.exchanges, index);
        const json_t *of =
            json_array_get(operations, (size_t)rind_vectors_integer(later, "operation"));
        if (strcmp(rind_vectors_text(later, "realm"), rind_vectors_text(exchange, "realm")) == 0 &&
            strcmp(rind_vectors_text(of, "client"), rind_vectors_text(operation, "client")) == 0) {
            return of != operation && strcmp(rind_vectors_text(later, "leg"), "handshake") == 0;
        }
    }
    return false;
}

static void wait_until_abandoned(const struct rind_transport_request *request)
{
    for (unsigned waited_ms = 0; !request->is_abandoned(request); waited_ms++) {
        assert_true(waited_ms < WAIT_FOR_ABANDONMENT_MS);
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

static bool configuration_has(const json_t *configuration, const char *realm)
{
    size_t index;
    json_t *entry;
    json_array_foreach(rind_vectors_get(configuration, "realms"), index, entry)
    {
        if (strcmp(rind_vectors_text(entry, "id"), realm) == 0) {
            return true;
        }
    }
    return false;
}

/* True if the recording has a configuration with both realms. */
static bool are_configured_together(const char *a, const char *b)
{
    const char *name;
    json_t *configuration;
    json_object_foreach(rind_vectors_get(player.recording, "configurations"), name, configuration)
    {
        if (configuration_has(configuration, a) && configuration_has(configuration, b)) {
            return true;
        }
    }
    return false;
}

/* True if both exchanges belong to one round: different realms asked the same at the same time. */
static bool are_one_round(const json_t *a, const json_t *b)
{
    json_t *x = json_object_get(a, "secrets_request");
    json_t *y = json_object_get(b, "secrets_request");
    bool is_same = x == NULL || y == NULL || /* refused before it was read */
                   (json_is_object(x) && json_is_object(y)
                        ? strcmp(json_object_iter_key(json_object_iter(x)),
                                 json_object_iter_key(json_object_iter(y))) == 0
                        : json_equal(x, y));
    return is_same &&
           rind_vectors_integer(a, "operation") == rind_vectors_integer(b, "operation") &&
           strcmp(rind_vectors_text(a, "realm"), rind_vectors_text(b, "realm")) != 0 &&
           are_configured_together(rind_vectors_text(a, "realm"), rind_vectors_text(b, "realm"));
}

/* The last exchange of the round that starts at `first`: each realm is asked once. */
static size_t round_end(size_t first)
{
    size_t last = first;
    for (; last + 1 < json_array_size(player.exchanges); last++) {
        for (size_t i = first; i <= last; i++) {
            if (!are_one_round(json_array_get(player.exchanges, i),
                               json_array_get(player.exchanges, last + 1))) {
                return last;
            }
        }
    }
    return last;
}

static size_t round_start(const json_t *exchange)
{
    size_t number = (size_t)rind_vectors_integer(exchange, "seq");
    size_t first = 0;
    while (round_end(first) < number) {
        first = round_end(first) + 1;
    }
    return first;
}

/*
 * An operation that stops early may do so before its last request is even sent; the SDK's had all
 * been. So hold answers back until the whole round has been asked. Called locked.
 */
static void wait_for_round(const json_t *exchange)
{
    size_t number = (size_t)rind_vectors_integer(exchange, "seq");
    size_t first = round_start(exchange);
    player.is_sent[number] = true;
    pthread_cond_broadcast(&player.sent);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += WAIT_FOR_ABANDONMENT_MS / 1000u;
    for (size_t i = first; i <= round_end(first);) {
        if (player.is_sent[i]) {
            i++;
        } else {
            assert_int_equal(pthread_cond_timedwait(&player.sent, &player.lock, &end), 0);
        }
    }
}

/*
 * A software realm's failure may end an operation before a hardware realm, which has answered, has
 * put its session back. The SDK's had: give it the time. Called on software realms' threads.
 */
static void wait_for_sessions_to_be_put_back(const json_t *exchange)
{
    size_t first = round_start(exchange);
    for (size_t i = first; i <= round_end(first); i++) {
        const json_t *other = json_array_get(player.exchanges, i);
        if (json_object_get(other, "leg") == NULL || exchange_came_too_late(other)) {
            continue;
        }
        for (size_t j = 0; j < player.user->slot_count; j++) {
            struct rind_sdk_slot *slot = &player.user->slots[j];
            char id[RIND_HEX_SIZE(16)];
            rind_hex_encode(RIND_SLICE_OF(slot->realm.bytes), id);
            bool is_it = strcmp(id, rind_vectors_text(other, "realm")) == 0;
            pthread_mutex_lock(&slot->lock);
            while (is_it && slot->owner != NULL) {
                struct timespec end;
                clock_gettime(CLOCK_MONOTONIC, &end);
                end.tv_sec += WAIT_FOR_ABANDONMENT_MS / 1000u;
                assert_int_equal(pthread_cond_timedwait(&slot->released, &slot->lock, &end), 0);
            }
            pthread_mutex_unlock(&slot->lock);
        }
    }
}

static const char *header_of(const struct rind_transport_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

static void check_request(const struct rind_transport_request *request, const json_t *exchange)
{
    struct rind_slice expected = rind_vectors_hex(exchange, "request_body", &player.arena);
    if (request->body.size != expected.length ||
        memcmp(request->body.data, expected.data, expected.length) != 0) {
        fail_msg("request of exchange %d differs", (int)rind_vectors_integer(exchange, "seq"));
    }
    const json_t *authorization =
        json_object_get(rind_vectors_get(exchange, "request_headers"), "Authorization");
    if (authorization == NULL) {
        assert_null(header_of(request, "Authorization"));
    } else {
        assert_string_equal(header_of(request, "Authorization"), json_string_value(authorization));
    }
    assert_string_equal(header_of(request, "X-Juicebox-Version"), RIND_PROTOCOL_VERSION);
    assert_non_null(header_of(request, "User-Agent"));
}

static void player_send(void *self, const struct rind_transport_request *request,
                        struct rind_transport_response *response)
{
    (void)self;
    pthread_mutex_lock(&player.lock);
    struct player_realm *realm = NULL;
    for (size_t i = 0; i < player.realm_count; i++) {
        if (strcmp(player.realms[i].url, request->url) == 0) {
            realm = &player.realms[i];
        }
    }
    assert_non_null(realm);
    assert_true(realm->sent_count < realm->exchange_count);
    const json_t *exchange = realm->exchanges[realm->sent_count++];
    check_request(request, exchange);
    struct rind_slice body = rind_vectors_hex(exchange, "response_body", &player.arena);
    assert_true(body.length <= sizeof(response->body));
    memcpy(response->body, body.data, body.length);
    wait_for_round(exchange);
    pthread_mutex_unlock(&player.lock);
    if (json_object_get(exchange, "leg") == NULL) {
        wait_for_sessions_to_be_put_back(exchange);
    }
    if (exchange_came_too_late(exchange)) {
        wait_until_abandoned(request);
        return;
    }
    response->body_size = body.length;
    response->status = (uint16_t)rind_vectors_integer(exchange, "status");
}

/* ---- Setting up ---- */

static struct rind_configuration *configuration_by_name(const char *name)
{
    const json_t *json =
        rind_vectors_get(rind_vectors_get(player.recording, "configurations"), name);
    char *text = json_dumps(json, 0);
    struct rind_configuration *configuration = rind_configuration_parse(text, NULL);
    assert_non_null(configuration);
    free(text);
    return configuration;
}

static void player_open(void)
{
    memset(&player, 0, sizeof(player));
    pthread_mutex_init(&player.lock, NULL);
    pthread_cond_init(&player.sent, NULL);
    rind_arena_init(&player.arena, player.memory, sizeof(player.memory));
    player.recording = rind_vectors_load("client-protocol-sdk-recording.json");
    player.exchanges = rind_vectors_get(player.recording, "exchanges");
    assert_true(json_array_size(player.exchanges) <= EXCHANGES_MAX);
    player.now_ms = 1000000;
    const char *name;
    json_t *configuration;
    json_object_foreach(rind_vectors_get(player.recording, "configurations"), name, configuration)
    {
        size_t index;
        json_t *entry;
        json_array_foreach(rind_vectors_get(configuration, "realms"), index, entry)
        {
            bool is_known = false;
            for (size_t i = 0; i < player.realm_count; i++) {
                is_known |= strcmp(player.realms[i].id, rind_vectors_text(entry, "id")) == 0;
            }
            if (!is_known) {
                struct player_realm *realm = &player.realms[player.realm_count++];
                realm->id = rind_vectors_text(entry, "id");
                (void)snprintf(realm->url, sizeof(realm->url), "%s/req",
                               rind_vectors_text(entry, "address"));
            }
        }
    }
}

static struct rind_user *user_by_name(const char *name)
{
    const json_t *client = rind_vectors_get(rind_vectors_get(player.recording, "clients"), name);
    struct rind_configuration *previous[8] = {NULL};
    const json_t *names = rind_vectors_get(client, "previous");
    struct rind_user_options options = {
        .configuration = configuration_by_name(rind_vectors_text(client, "configuration")),
        .previous = (const struct rind_configuration *const *)previous,
        .previous_count = json_array_size(names),
        .token_get = player_token,
        .transport = {player_send, NULL},
    };
    for (size_t i = 0; i < options.previous_count; i++) {
        previous[i] = configuration_by_name(json_string_value(json_array_get(names, i)));
    }
    struct rind_sdk_world world = {player_random, player_now_ms, player_sleep_ms, NULL,
                                   WAIT_FOR_ABANDONMENT_MS};
    char why[RIND_SENTENCE_SIZE] = "";
    struct rind_user *user = rind_user_new_in(&world, &options, why);
    assert_string_equal(why, "");
    for (size_t i = 0; i < options.previous_count; i++) {
        rind_configuration_free(previous[i]);
    }
    rind_configuration_free((struct rind_configuration *)(uintptr_t)options.configuration);
    return user;
}

static void append_random(uint8_t *random, size_t *size, const json_t *draw)
{
    struct rind_slice bytes = rind_vectors_hex(draw, "bytes", &player.arena);
    assert_true(*size + bytes.length <= RANDOM_SIZE_MAX);
    memcpy(random + *size, bytes.data, bytes.length);
    *size += bytes.length;
}

static void player_load_exchanges(const json_t *operation)
{
    size_t index;
    const json_t *item;
    json_array_foreach(rind_vectors_get(operation, "exchanges"), index, item)
    {
        const json_t *exchange = json_array_get(player.exchanges, (size_t)json_integer_value(item));
        struct player_realm *realm = player_realm_by_id(rind_vectors_text(exchange, "realm"));
        assert_true(realm->exchange_count < 64);
        realm->exchanges[realm->exchange_count++] = exchange;
    }
}

/* Hands the operation's exchanges and random draws to their realms. */
static void player_load_operation(const json_t *operation)
{
    rind_arena_reset(&player.arena);
    player.random_size = 0;
    player.random_used = 0;
    for (size_t i = 0; i < player.realm_count; i++) {
        struct player_realm *realm = &player.realms[i];
        realm->exchange_count = 0;
        realm->sent_count = 0;
        realm->asked_count = 0;
        realm->random_size = 0;
        realm->random_used = 0;
    }
    player_load_exchanges(operation);
    size_t index;
    const json_t *item;
    json_array_foreach(rind_vectors_get(operation, "client_random"), index, item)
    {
        const json_t *seq = json_object_get(item, "exchange");
        if (seq == NULL || json_is_null(seq)) {
            append_random(player.random, &player.random_size, item);
        } else {
            const json_t *exchange =
                json_array_get(player.exchanges, (size_t)json_integer_value(seq));
            struct player_realm *realm = player_realm_by_id(rind_vectors_text(exchange, "realm"));
            append_random(realm->random, &realm->random_size, item);
        }
    }
}

static int64_t operation_time(const json_t *operation)
{
    const json_t *first = json_array_get(rind_vectors_get(operation, "exchanges"), 0);
    return rind_vectors_integer(json_array_get(player.exchanges, (size_t)json_integer_value(first)),
                                "now");
}

/* ---- Running ---- */

static struct rind_bytes input(const json_t *operation, const char *key)
{
    struct rind_slice bytes = rind_vectors_hex(operation, key, &player.arena);
    return (struct rind_bytes){bytes.data, bytes.length};
}

static void check_result(const json_t *operation, enum rind_error error,
                         const struct rind_failure *failure, const struct rind_recovered *recovered)
{
    const json_t *result = rind_vectors_get(operation, "result");
    if (json_object_get(result, "error") != NULL) {
        assert_string_equal(rind_error_name(error), rind_vectors_text(result, "error"));
        if (error == RIND_ERROR_INVALID_PIN) {
            assert_int_equal(failure->guesses_remaining,
                             rind_vectors_integer(result, "guesses_remaining"));
        }
        return;
    }
    if (error != RIND_ERROR_NONE) {
        fail_msg("operation %d: %s: %s", (int)rind_vectors_integer(operation, "index"),
                 rind_error_name(error), failure->sentence);
    }
    if (json_object_get(result, "secret") != NULL) {
        struct rind_slice secret = rind_vectors_hex(result, "secret", &player.arena);
        assert_int_equal(recovered->secret_size, secret.length);
        assert_memory_equal(recovered->secret, secret.data, secret.length);
    }
}

static void run_operation(struct rind_user *user, const json_t *operation)
{
    const char *kind = rind_vectors_text(operation, "operation");
    struct rind_failure failure = {0};
    struct rind_recovered recovered = {0};
    enum rind_error error = RIND_ERROR_ASSERTION;
    if (strcmp(kind, "register") == 0) {
        error = rind_user_register(
            user, input(operation, "pin"), input(operation, "secret"), input(operation, "info"),
            (uint16_t)rind_vectors_integer(operation, "num_guesses"), &failure);
    } else if (strcmp(kind, "recover") == 0) {
        error = rind_user_recover(user, input(operation, "pin"), input(operation, "info"),
                                  &recovered, &failure);
    } else {
        assert_string_equal(kind, "delete");
        error = rind_user_delete(user, &failure);
    }
    check_result(operation, error, &failure, &recovered);
}

static void the_recorded_run_gives_the_same_requests_and_results(void **state)
{
    (void)state;
    player_open();
    const char *name = NULL;
    struct rind_user *user = NULL;
    int64_t time_before = 0;
    size_t index;
    const json_t *operation;
    json_array_foreach(rind_vectors_get(player.recording, "operations"), index, operation)
    {
        /* Clients follow one another in the recording, each with all its operations. */
        if (name == NULL || strcmp(name, rind_vectors_text(operation, "client")) != 0) {
            rind_user_free(user);
            name = rind_vectors_text(operation, "client");
            user = user_by_name(name);
            player.user = user;
        }
        int64_t now = operation_time(operation);
        if (time_before != 0 && now - time_before > SESSION_LIFETIME_S) {
            player.now_ms += (uint64_t)(now - time_before) * 1000u;
        }
        time_before = now;
        player_load_operation(operation);
        run_operation(user, operation);
        for (size_t i = 0; i < player.realm_count; i++) {
            if (player.realms[i].sent_count != player.realms[i].exchange_count) {
                fail_msg("operation %zu asked realm %s %zu times instead of %zu", index,
                         player.realms[i].id, player.realms[i].sent_count,
                         player.realms[i].exchange_count);
            }
            assert_int_equal(player.realms[i].random_used, player.realms[i].random_size);
        }
        assert_int_equal(player.random_used, player.random_size);
    }
    assert_int_equal(index, 29);
    rind_user_free(user);
    json_decref(player.recording);
    pthread_cond_destroy(&player.sent);
    pthread_mutex_destroy(&player.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recorded_run_gives_the_same_requests_and_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
