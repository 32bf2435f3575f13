/* checker.c - see checker.h. The search is breadth first over worlds and positions in operations.
 */
#include "cli/chaos/checker.h"

#include <stdlib.h>
#include <string.h>

/* A request whose answer was lost. Recover2 and Recover3 know the registration they are for. */
enum checker_late_kind {
    CHECKER_LATE_REGISTER2 = 1,
    CHECKER_LATE_RECOVER1,
    CHECKER_LATE_RECOVER2,
    CHECKER_LATE_RECOVER3,
    CHECKER_LATE_DELETE,
};

/* Which request of its operation a client waits for. */
enum checker_position {
    CHECKER_AT_FIRST, /* Register2 (Register1 changes nothing), Recover1, Delete */
    CHECKER_AT_RECOVER2,
    CHECKER_AT_RECOVER3,
    CHECKER_AT_END,
};

struct checker_progress {
    uint32_t position;
    uint32_t seen; /* registration that Recover1 returned */
};

struct checker_node {
    struct rind_checker_world world;
    struct checker_progress progress[RIND_CHECKER_OPERATIONS_MAX];
};

/* Without holes, so that equal nodes have equal bytes. */
_Static_assert(sizeof(struct rind_checker_record) == 20, "no padding");
_Static_assert(sizeof(struct rind_checker_late) == 32, "no padding");
_Static_assert(sizeof(struct rind_checker_world) == 24 + RIND_CHECKER_LATE_MAX * 32, "no padding");
_Static_assert(sizeof(struct checker_node) == sizeof(struct rind_checker_world) + 16, "no padding");

struct checker_search {
    const struct rind_checker_operation *operations;
    size_t count;
    uint64_t late_until_ns;
    struct checker_node *nodes;
    size_t node_count;
    size_t node_capacity;
    bool is_too_large;
};

/* ---- requests that may come late ---- */

static bool late_is_same(const struct rind_checker_late *a, const struct rind_checker_late *b)
{
    return a->kind == b->kind && a->is_once == b->is_once && a->registration == b->registration &&
           a->pin == b->pin && a->num_guesses == b->num_guesses;
}

/* Keeps the list sorted. Of the same repeatable request only the longest stays. False if full. */
static bool world_add_late(struct rind_checker_world *world, const struct rind_checker_late *late)
{
    uint32_t at = 0;
    while (at < world->late_count) {
        struct rind_checker_late *other = &world->late[at];
        if (late->is_once == 0 && late_is_same(other, late)) {
            other->until_ns = late->until_ns > other->until_ns ? late->until_ns : other->until_ns;
            return true;
        }
        if (memcmp(other, late, sizeof(*late)) > 0) {
            break;
        }
        at++;
    }
    if (world->late_count == RIND_CHECKER_LATE_MAX) {
        return false;
    }
    memmove(&world->late[at + 1], &world->late[at],
            (world->late_count - at) * sizeof(world->late[0]));
    world->late[at] = *late;
    world->late_count++;
    return true;
}

static void world_remove_late(struct rind_checker_world *world, uint32_t at)
{
    world->late_count--;
    memmove(&world->late[at], &world->late[at + 1],
            (world->late_count - at) * sizeof(world->late[0]));
    memset(&world->late[world->late_count], 0, sizeof(world->late[0]));
}

/* ---- what a request does to a record ---- */

static void record_lock(struct rind_checker_record *record)
{
    *record = (struct rind_checker_record){.kind = RIND_CHECKER_RECORD_LOCKED};
}

static void record_register(struct rind_checker_record *record, uint32_t registration, uint32_t pin,
                            uint32_t num_guesses)
{
    *record = (struct rind_checker_record){.kind = RIND_CHECKER_RECORD_REGISTERED,
                                           .registration = registration,
                                           .pin = pin,
                                           .num_guesses = num_guesses};
}

/* Answers of the three requests of a recover that end it; CHECKER_GOES_ON for "next request". */
#define CHECKER_GOES_ON RIND_CHECKER_UNKNOWN

/* One of the three on a record; `seen` is what Recover1 finds and the others are for. */
static enum rind_checker_outcome record_recover(struct rind_checker_record *record,
                                                enum checker_position position, uint32_t *seen)
{
    if (record->kind == RIND_CHECKER_RECORD_NONE) {
        return RIND_CHECKER_NOT_REGISTERED;
    }
    if (record->kind == RIND_CHECKER_RECORD_LOCKED) {
        return RIND_CHECKER_INVALID_PIN;
    }
    if (position != CHECKER_AT_FIRST && record->registration != *seen) {
        return RIND_CHECKER_OTHER_REGISTRATION;
    }
    if (position == CHECKER_AT_RECOVER3) { /* only sent with the right PIN */
        record->guess_count = 0;
        return RIND_CHECKER_OK;
    }
    if (record->guess_count >= record->num_guesses) {
        record_lock(record);
        return RIND_CHECKER_INVALID_PIN;
    }
    *seen = record->registration;
    if (position == CHECKER_AT_RECOVER2) {
        record->guess_count++;
    }
    return CHECKER_GOES_ON;
}

static void record_do_late(struct rind_checker_record *record, const struct rind_checker_late *late)
{
    uint32_t seen = late->registration;
    switch ((enum checker_late_kind)late->kind) {
    case CHECKER_LATE_REGISTER2:
        record_register(record, late->registration, late->pin, late->num_guesses);
        return;
    case CHECKER_LATE_RECOVER1:
        (void)record_recover(record, CHECKER_AT_FIRST, &seen);
        return;
    case CHECKER_LATE_RECOVER2:
        (void)record_recover(record, CHECKER_AT_RECOVER2, &seen);
        return;
    case CHECKER_LATE_RECOVER3:
        (void)record_recover(record, CHECKER_AT_RECOVER3, &seen);
        return;
    case CHECKER_LATE_DELETE:
        *record = (struct rind_checker_record){0};
        return;
    }
}

/* ---- the search ---- */

static void search_add(struct checker_search *search, const struct checker_node *node)
{
    for (size_t i = 0; i < search->node_count; i++) {
        if (memcmp(&search->nodes[i], node, sizeof(*node)) == 0) {
            return;
        }
    }
    if (search->node_count == search->node_capacity) {
        size_t capacity = search->node_capacity == 0 ? 64 : search->node_capacity * 2;
        struct checker_node *grown =
            capacity > RIND_CHECKER_WORLDS_MAX
                ? NULL
                : realloc(search->nodes, capacity * sizeof(search->nodes[0]));
        if (grown == NULL) {
            search->is_too_large = true;
            return;
        }
        search->nodes = grown;
        search->node_capacity = capacity;
    }
    search->nodes[search->node_count] = *node;
    search->node_count++;
}

/* The request that operation `i` waits for may be carried out later. */
static void search_leave_late(struct checker_search *search, struct checker_node *node, size_t i)
{
    const struct rind_checker_operation *operation = &search->operations[i];
    const struct checker_progress *progress = &node->progress[i];
    struct rind_checker_late late = {.until_ns = search->late_until_ns};
    if (progress->position == CHECKER_AT_RECOVER2) {
        late.kind = CHECKER_LATE_RECOVER2;
        late.is_once = 1; /* clients never send it twice */
        late.registration = progress->seen;
    } else if (progress->position == CHECKER_AT_RECOVER3) {
        late.kind = CHECKER_LATE_RECOVER3;
        late.registration = progress->seen;
    } else if (operation->kind == RIND_CHECKER_REGISTER) {
        late.kind = CHECKER_LATE_REGISTER2;
        late.registration = operation->registration;
        late.pin = operation->pin;
        late.num_guesses = operation->num_guesses;
    } else {
        late.kind =
            operation->kind == RIND_CHECKER_DELETE ? CHECKER_LATE_DELETE : CHECKER_LATE_RECOVER1;
    }
    if (!world_add_late(&node->world, &late)) {
        search->is_too_large = true;
    }
}

/* What a recover shows its client at the end of a request; false if the client saw another end. */
static bool search_recover(struct checker_search *search, struct checker_node *node, size_t i)
{
    const struct rind_checker_operation *operation = &search->operations[i];
    struct checker_progress *progress = &node->progress[i];
    struct rind_checker_record *record = &node->world.record;
    enum rind_checker_outcome outcome =
        record_recover(record, (enum checker_position)progress->position, &progress->seen);
    uint32_t guesses_remaining = 0;
    bool is_wrong_pin = outcome == CHECKER_GOES_ON && progress->position == CHECKER_AT_RECOVER2 &&
                        record->pin != operation->pin;
    if (outcome == CHECKER_GOES_ON && !is_wrong_pin) {
        progress->position++;
        if (operation->is_unclear && progress->position == CHECKER_AT_RECOVER3) {
            search_leave_late(search, node, i);
        }
        return true;
    }
    if (is_wrong_pin) {
        outcome = RIND_CHECKER_INVALID_PIN;
        guesses_remaining = record->num_guesses - record->guess_count;
    }
    progress->position = CHECKER_AT_END;
    return outcome == operation->outcome &&
           (outcome != RIND_CHECKER_INVALID_PIN ||
            guesses_remaining == operation->guesses_remaining) &&
           (outcome != RIND_CHECKER_OK || record->registration == operation->recovered);
}

/* The request that operation `i` waits for is carried out and answered now. */
static void search_step(struct checker_search *search, const struct checker_node *from, size_t i)
{
    const struct rind_checker_operation *operation = &search->operations[i];
    struct checker_node node = *from;
    bool is_possible = true;
    switch (operation->kind) {
    case RIND_CHECKER_REGISTER:
        record_register(&node.world.record, operation->registration, operation->pin,
                        operation->num_guesses);
        node.progress[i].position = CHECKER_AT_END;
        is_possible = operation->outcome == RIND_CHECKER_OK;
        break;
    case RIND_CHECKER_DELETE:
        node.world.record = (struct rind_checker_record){0};
        node.progress[i].position = CHECKER_AT_END;
        is_possible = operation->outcome == RIND_CHECKER_OK;
        break;
    case RIND_CHECKER_RECOVER:
        is_possible = search_recover(search, &node, i);
        break;
    }
    if (node.progress[i].position == CHECKER_AT_END) {
        node.progress[i].seen = 0;
    }
    if (is_possible) {
        search_add(search, &node);
    }
}

/* The client of operation `i` gave up waiting. */
static void search_give_up(struct checker_search *search, const struct checker_node *from, size_t i)
{
    struct checker_node node = *from;
    if (search->operations[i].is_unclear) {
        search_leave_late(search, &node, i);
    }
    node.progress[i] = (struct checker_progress){.position = CHECKER_AT_END};
    search_add(search, &node);
}

static void search_expand(struct checker_search *search, size_t index)
{
    const struct checker_node from = search->nodes[index]; /* the array may move */
    for (uint32_t l = 0; l < from.world.late_count; l++) {
        struct checker_node node = from;
        record_do_late(&node.world.record, &from.world.late[l]);
        if (from.world.late[l].is_once != 0) {
            world_remove_late(&node.world, l);
        }
        search_add(search, &node);
    }
    for (size_t i = 0; i < search->count; i++) {
        if (from.progress[i].position == CHECKER_AT_END) {
            continue;
        }
        search_step(search, &from, i);
        if (search->operations[i].outcome == RIND_CHECKER_UNKNOWN) {
            search_give_up(search, &from, i);
        }
    }
}

static bool node_is_end(const struct checker_node *node, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (node->progress[i].position != CHECKER_AT_END) {
            return false;
        }
    }
    return true;
}

static void search_run(struct checker_search *search, const struct rind_checker *checker,
                       uint64_t start_ns)
{
    for (size_t w = 0; w < checker->world_count; w++) {
        struct checker_node node = {.world = checker->worlds[w]};
        /* All that a late request can do before its time is over is in the worlds already. */
        for (uint32_t l = node.world.late_count; l > 0; l--) {
            if (node.world.late[l - 1].until_ns <= start_ns) {
                world_remove_late(&node.world, l - 1);
            }
        }
        for (size_t i = 0; i < search->count; i++) {
            if (search->operations[i].is_unclear) {
                search_leave_late(search, &node, i);
            }
        }
        search_add(search, &node);
    }
    for (size_t i = 0; i < search->node_count && !search->is_too_large; i++) {
        search_expand(search, i);
    }
}

/* Can the registration be the record's, now or later? */
static bool world_may_hold(const struct rind_checker_world *world, uint32_t registration)
{
    bool may_hold = world->record.registration == registration;
    for (uint32_t l = 0; l < world->late_count && !may_hold; l++) {
        may_hold = world->late[l].kind == CHECKER_LATE_REGISTER2 &&
                   world->late[l].registration == registration;
    }
    return may_hold;
}

/* Forgets late requests for registrations that are gone for good: they change nothing. */
static void world_forget(struct rind_checker_world *world)
{
    for (uint32_t l = world->late_count; l > 0; l--) {
        const struct rind_checker_late *late = &world->late[l - 1];
        bool needs_registration =
            late->kind == CHECKER_LATE_RECOVER2 || late->kind == CHECKER_LATE_RECOVER3;
        if (needs_registration && !world_may_hold(world, late->registration)) {
            world_remove_late(world, l - 1);
        }
    }
}

/* Whatever `b` can become, `a` can too: late requests may stay undone. */
static bool world_covers(const struct rind_checker_world *a, const struct rind_checker_world *b)
{
    if (memcmp(&a->record, &b->record, sizeof(a->record)) != 0 || a->late_count < b->late_count) {
        return false;
    }
    uint32_t at = 0;
    for (uint32_t l = 0; l < b->late_count; l++) {
        while (at < a->late_count && memcmp(&a->late[at], &b->late[l], sizeof(a->late[0])) != 0) {
            at++;
        }
        if (at == a->late_count) {
            return false;
        }
        at++;
    }
    return true;
}

/* Adds a world to those kept so far, unless one of them covers it; drops those that it covers. */
static size_t worlds_add(struct rind_checker_world *worlds, size_t count,
                         const struct rind_checker_world *world)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (world_covers(&worlds[i], world)) {
            return count;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!world_covers(world, &worlds[i])) {
            worlds[kept] = worlds[i];
            kept++;
        }
    }
    worlds[kept] = *world;
    return kept + 1;
}

/* Replaces the worlds by those of the search's ends. False, changing nothing, if there is none. */
static bool checker_take_ends(struct rind_checker *checker, struct checker_search *search)
{
    struct rind_checker_world *worlds = calloc(search->node_count + 1, sizeof(worlds[0]));
    size_t count = 0;
    for (size_t i = 0; i < search->node_count && worlds != NULL; i++) {
        if (node_is_end(&search->nodes[i], search->count)) {
            struct rind_checker_world world = search->nodes[i].world;
            world_forget(&world);
            count = worlds_add(worlds, count, &world);
        }
    }
    search->is_too_large = worlds == NULL;
    if (count == 0) {
        free(worlds);
        return false;
    }
    free(checker->worlds);
    checker->worlds = worlds;
    checker->world_count = count;
    return true;
}

/* ---- verdicts ---- */

static bool checker_may_have(const struct rind_checker *checker, uint32_t kind)
{
    for (size_t w = 0; w < checker->world_count; w++) {
        if (checker->worlds[w].record.kind == kind) {
            return true;
        }
    }
    return false;
}

/* The most guesses that can be left after a wrong PIN. */
static uint32_t checker_remaining_max(const struct rind_checker *checker)
{
    uint32_t most = 0;
    for (size_t w = 0; w < checker->world_count; w++) {
        const struct rind_checker_record *record = &checker->worlds[w].record;
        if (record->kind == RIND_CHECKER_RECORD_REGISTERED) {
            uint32_t left = record->num_guesses - record->guess_count;
            most = left > most ? left : most;
        }
    }
    return most == 0 ? 0 : most - 1;
}

/* Names what is wrong with a round that nothing explains, by its first recover. */
static enum rind_checker_verdict checker_classify(const struct rind_checker *checker,
                                                  const struct rind_checker_operation *operations,
                                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rind_checker_operation *operation = &operations[i];
        if (operation->kind != RIND_CHECKER_RECOVER) {
            continue;
        }
        if (operation->outcome == RIND_CHECKER_INVALID_PIN && count == 1 &&
            operation->guesses_remaining > checker_remaining_max(checker)) {
            return RIND_CHECKER_GUESSES_GREW;
        }
        bool is_secret_due = !checker_may_have(checker, RIND_CHECKER_RECORD_NONE) && count == 1;
        if (is_secret_due && (operation->outcome == RIND_CHECKER_NOT_REGISTERED ||
                              operation->outcome == RIND_CHECKER_OK)) {
            return RIND_CHECKER_SECRET_LOST;
        }
    }
    return RIND_CHECKER_UNEXPLAINED;
}

rind_status rind_checker_round(struct rind_ctx *ctx, struct rind_checker *checker,
                               const struct rind_checker_operation *operations, size_t count,
                               uint64_t start_ns, uint64_t late_until_ns,
                               enum rind_checker_verdict *verdict, struct rind_buffer *why)
{
    RIND_ASSERT(count >= 1 && count <= RIND_CHECKER_OPERATIONS_MAX);
    struct checker_search search = {
        .operations = operations, .count = count, .late_until_ns = late_until_ns};
    search_run(&search, checker, start_ns);
    bool is_explained = !search.is_too_large && checker_take_ends(checker, &search);
    free(search.nodes);
    RIND_REQUIRE(ctx, !search.is_too_large, RIND_E_LIMIT,
                 "more than %u possible worlds of one user; give users more rest",
                 RIND_CHECKER_WORLDS_MAX);
    *verdict = RIND_CHECKER_EXPLAINED;
    if (!is_explained) {
        *verdict = checker_classify(checker, operations, count);
        for (size_t i = 0; i < count; i++) {
            rind_buffer_print(why, "%s", i == 0 ? "" : " and at the same time ");
            rind_checker_operation_print(why, &operations[i]);
        }
        rind_buffer_print(why, "; possible was: ");
        rind_checker_print(why, checker);
    }
    return RIND_OK;
}

/* ---- the rest ---- */

rind_status rind_checker_init(struct rind_ctx *ctx, struct rind_checker *checker)
{
    checker->worlds = calloc(1, sizeof(checker->worlds[0]));
    RIND_REQUIRE(ctx, checker->worlds != NULL, RIND_E_LIMIT, "no memory for a user's model");
    checker->world_count = 1;
    return RIND_OK;
}

void rind_checker_fini(struct rind_checker *checker)
{
    free(checker->worlds);
    *checker = (struct rind_checker){0};
}

void rind_checker_settle(struct rind_checker *checker)
{
    for (size_t w = 0; w < checker->world_count; w++) {
        struct rind_checker_world *world = &checker->worlds[w];
        world->late_count = 0;
        memset(world->late, 0, sizeof(world->late));
    }
}

size_t rind_checker_late_count(const struct rind_checker *checker, uint64_t now_ns)
{
    size_t most = 0;
    for (size_t w = 0; w < checker->world_count; w++) {
        size_t count = 0;
        for (uint32_t l = 0; l < checker->worlds[w].late_count; l++) {
            count += checker->worlds[w].late[l].until_ns > now_ns ? 1 : 0;
        }
        most = count > most ? count : most;
    }
    return most;
}

const struct rind_checker_record *rind_checker_guess(const struct rind_checker *checker)
{
    return &checker->worlds[0].record;
}

static void record_print(struct rind_buffer *out, const struct rind_checker_record *record)
{
    if (record->kind == RIND_CHECKER_RECORD_REGISTERED) {
        rind_buffer_print(out, "registration #%u (PIN %u) with %u of %u guesses used",
                          record->registration, record->pin, record->guess_count,
                          record->num_guesses);
    } else {
        rind_buffer_print(out, "%s",
                          record->kind == RIND_CHECKER_RECORD_LOCKED ? "locked" : "not registered");
    }
}

void rind_checker_print(struct rind_buffer *out, const struct rind_checker *checker)
{
    for (size_t w = 0; w < checker->world_count; w++) {
        const struct rind_checker_record *record = &checker->worlds[w].record;
        bool is_new = true;
        for (size_t v = 0; v < w && is_new; v++) {
            is_new = memcmp(&checker->worlds[v].record, record, sizeof(*record)) != 0;
        }
        if (is_new) {
            rind_buffer_print(out, "%s", w == 0 ? "" : ", or ");
            record_print(out, record);
        }
    }
    rind_buffer_print(out, " (%zu worlds)", checker->world_count);
}

void rind_checker_operation_print(struct rind_buffer *out,
                                  const struct rind_checker_operation *operation)
{
    static const char *const outcomes[] = {[RIND_CHECKER_OK] = "ok",
                                           [RIND_CHECKER_INVALID_PIN] = "invalid PIN",
                                           [RIND_CHECKER_NOT_REGISTERED] = "not registered",
                                           [RIND_CHECKER_OTHER_REGISTRATION] =
                                               "another registration came between",
                                           [RIND_CHECKER_UNKNOWN] = "no answer"};
    switch (operation->kind) {
    case RIND_CHECKER_REGISTER:
        rind_buffer_print(out, "register #%u with PIN %u and %u guesses", operation->registration,
                          operation->pin, operation->num_guesses);
        break;
    case RIND_CHECKER_RECOVER:
        rind_buffer_print(out, "recover with PIN %u", operation->pin);
        break;
    case RIND_CHECKER_DELETE:
        rind_buffer_print(out, "delete");
        break;
    }
    rind_buffer_print(out, "%s: %s", operation->is_unclear ? " (unclear)" : "",
                      outcomes[operation->outcome]);
    if (operation->outcome == RIND_CHECKER_INVALID_PIN) {
        rind_buffer_print(out, ", %u left", operation->guesses_remaining);
    } else if (operation->outcome == RIND_CHECKER_OK && operation->kind == RIND_CHECKER_RECOVER) {
        rind_buffer_print(out, ", secret #%u", operation->recovered);
    }
}
