/* rate_limit.c - see rate_limit.h. */
#include "agent/rate_limit.h"

#include <stdlib.h>

#define RATE_CAPACITY_MIN 16u

static size_t rate_grown(size_t capacity)
{
    return capacity == 0 ? RATE_CAPACITY_MIN : capacity * 2;
}

/* Index of the first item greater than `when_ms`: insertion keeps arrival order of equals. */
static size_t times_upper_bound(const struct rind_rate_times *times, uint64_t when_ms)
{
    size_t at = times->count; /* nearly always appended at the end, so look from there */
    while (at > 0 && times->items[at - 1] > when_ms) {
        at--;
    }
    return at;
}

bool rind_rate_times_insert(struct rind_rate_times *times, uint64_t when_ms)
{
    if (times->count >= RIND_RATE_LIST_COUNT_MAX) {
        return false;
    }
    if (times->count == times->capacity) {
        times->capacity = rate_grown(times->capacity);
        times->items = realloc(times->items, times->capacity * sizeof(*times->items));
        RIND_ASSERT(times->items != NULL);
    }
    size_t at = times_upper_bound(times, when_ms);
    memmove(times->items + at + 1, times->items + at, (times->count - at) * sizeof(*times->items));
    times->items[at] = when_ms;
    times->count++;
    return true;
}

static void times_drop_before(struct rind_rate_times *times, uint64_t limit_ms)
{
    size_t gone = 0;
    while (gone < times->count && times->items[gone] < limit_ms) {
        gone++;
    }
    if (gone > 0) {
        memmove(times->items, times->items + gone, (times->count - gone) * sizeof(*times->items));
        times->count -= gone;
    }
}

static int mark_compare(const struct rind_rate_mark *mark, uint64_t when_ms,
                        const struct rind_record_id *id)
{
    if (mark->when_ms != when_ms) {
        return mark->when_ms < when_ms ? -1 : 1;
    }
    return rind_record_id_compare(&mark->id, id);
}

/* Index of the first mark not less than (when, id). */
static size_t marks_lower_bound(const struct rind_rate_marks *marks, uint64_t when_ms,
                                const struct rind_record_id *id)
{
    size_t low = 0;
    size_t high = marks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mark_compare(&marks->items[middle], when_ms, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool marks_contain(const struct rind_rate_marks *marks, uint64_t when_ms,
                          const struct rind_record_id *id)
{
    size_t at = marks_lower_bound(marks, when_ms, id);
    return at < marks->count && mark_compare(&marks->items[at], when_ms, id) == 0;
}

bool rind_rate_marks_insert(struct rind_rate_marks *marks, uint64_t when_ms,
                            const struct rind_record_id *id)
{
    size_t at = marks_lower_bound(marks, when_ms, id);
    if (at < marks->count && mark_compare(&marks->items[at], when_ms, id) == 0) {
        return true; /* a set */
    }
    if (marks->count >= RIND_RATE_LIST_COUNT_MAX) {
        return false;
    }
    if (marks->count == marks->capacity) {
        marks->capacity = rate_grown(marks->capacity);
        marks->items = realloc(marks->items, marks->capacity * sizeof(*marks->items));
        RIND_ASSERT(marks->items != NULL);
    }
    memmove(marks->items + at + 1, marks->items + at, (marks->count - at) * sizeof(*marks->items));
    marks->items[at] = (struct rind_rate_mark){when_ms, *id};
    marks->count++;
    return true;
}

static void marks_drop_front(struct rind_rate_marks *marks, size_t gone)
{
    if (gone > 0) {
        memmove(marks->items, marks->items + gone, (marks->count - gone) * sizeof(*marks->items));
        marks->count -= gone;
    }
}

static void marks_drop_before(struct rind_rate_marks *marks, uint64_t limit_ms)
{
    size_t gone = 0;
    while (gone < marks->count && marks->items[gone].when_ms < limit_ms) {
        gone++;
    }
    marks_drop_front(marks, gone);
}

void rind_rate_view_init(struct rind_rate_view *state)
{
    *state = (struct rind_rate_view){0};
}

void rind_rate_view_fini(struct rind_rate_view *state)
{
    free(state->requests.items);
    free(state->reservations.items);
    free(state->used.items);
    rind_rate_view_init(state);
}

void rind_rate_view_merge(struct rind_rate_view *into, const struct rind_rate_view *from)
{
    for (size_t i = 0; i < from->requests.count; i++) {
        (void)rind_rate_times_insert(&into->requests, from->requests.items[i]);
    }
    for (size_t i = 0; i < from->reservations.count; i++) {
        const struct rind_rate_mark *mark = &from->reservations.items[i];
        (void)rind_rate_marks_insert(&into->reservations, mark->when_ms, &mark->id);
    }
    for (size_t i = 0; i < from->used.count; i++) {
        (void)rind_rate_marks_insert(&into->used, from->used.items[i].when_ms,
                                     &from->used.items[i].id);
    }
}

static void reservations_add(struct rind_rate_promises *reservations, uint64_t when_ms,
                             const struct rind_record_id *id)
{
    if (!rind_rate_marks_insert(&reservations->expiry, when_ms, id)) {
        return; /* full: this operation's next request takes its chance with the rate */
    }
    union rind_map32_value *latest = rind_map32_get(&reservations->ids, id->bytes);
    if (latest == NULL) {
        (void)rind_map32_put(&reservations->ids, id->bytes,
                             (union rind_map32_value){.number = when_ms});
    } else if (latest->number < when_ms) {
        latest->number = when_ms; /* conflicts: the later expiry is the kinder one */
    }
}

static void reservations_expire(struct rind_rate_promises *reservations, uint64_t now_ms)
{
    struct rind_rate_marks *expiry = &reservations->expiry;
    size_t gone = 0;
    for (; gone < expiry->count && expiry->items[gone].when_ms < now_ms; gone++) {
        const struct rind_rate_mark *mark = &expiry->items[gone];
        union rind_map32_value *latest = rind_map32_get(&reservations->ids, mark->id.bytes);
        if (latest != NULL && latest->number == mark->when_ms) {
            (void)rind_map32_remove(&reservations->ids, mark->id.bytes, NULL);
        }
    }
    marks_drop_front(expiry, gone);
}

static bool reservations_take(struct rind_rate_promises *reservations, uint64_t now_ms,
                              const struct rind_record_id *id, uint64_t *when_ms)
{
    reservations_expire(reservations, now_ms);
    union rind_map32_value value;
    if (!rind_map32_remove(&reservations->ids, id->bytes, &value)) {
        return false;
    }
    *when_ms = value.number;
    return true;
}

void rind_rate_limiter_init(struct rind_rate_limiter *limiter, uint64_t rate)
{
    *limiter = (struct rind_rate_limiter){.rate = rate};
    rind_map32_init(&limiter->mine.ids, RIND_RATE_LIST_COUNT_MAX);
    rind_map32_init(&limiter->others.ids, RIND_RATE_LIST_COUNT_MAX);
}

void rind_rate_limiter_fini(struct rind_rate_limiter *limiter)
{
    rind_map32_fini(&limiter->mine.ids);
    rind_map32_fini(&limiter->others.ids);
    free(limiter->my_requests.items);
    free(limiter->others_requests.items);
    free(limiter->mine.expiry.items);
    free(limiter->others.expiry.items);
    free(limiter->used.items);
    free(limiter->used_others.items);
    *limiter = (struct rind_rate_limiter){0};
}

static uint64_t minus_or_zero(uint64_t now_ms, uint64_t age_ms)
{
    return now_ms > age_ms ? now_ms - age_ms : 0;
}

/* Consumes a reservation; true if it is good: neither we nor a peer has used it already. */
static bool limiter_use_reservation(struct rind_rate_limiter *limiter, uint64_t now_ms,
                                    const struct rind_record_id *id)
{
    uint64_t when_ms = 0;
    if (!reservations_take(&limiter->mine, now_ms, id, &when_ms) &&
        !reservations_take(&limiter->others, now_ms, id, &when_ms)) {
        return false;
    }
    if (marks_contain(&limiter->used, when_ms, id)) {
        return false;
    }
    marks_drop_before(&limiter->used, minus_or_zero(now_ms, RIND_RATE_USED_RETENTION_MS));
    return rind_rate_marks_insert(&limiter->used, when_ms, id) &&
           !marks_contain(&limiter->used_others, when_ms, id);
}

struct rind_rate_decision rind_rate_limiter_allow(struct rind_rate_limiter *limiter,
                                                  uint64_t now_ms, const struct rind_record_id *id)
{
    uint64_t window_start_ms = minus_or_zero(now_ms, RIND_RATE_WINDOW_MS);
    times_drop_before(&limiter->my_requests, window_start_ms);
    times_drop_before(&limiter->others_requests, window_start_ms);
    struct rind_rate_decision decision = {
        .used = limiter->my_requests.count + limiter->others_requests.count,
        .limit = limiter->rate,
        .is_reserved = limiter_use_reservation(limiter, now_ms, id),
    };
    bool is_within_rate = decision.used < decision.limit;
    decision.is_allowed = (is_within_rate || decision.is_reserved) &&
                          rind_rate_times_insert(&limiter->my_requests, now_ms);
    return decision;
}

void rind_rate_limiter_reserve(struct rind_rate_limiter *limiter, uint64_t now_ms,
                               const struct rind_record_id *id)
{
    reservations_add(&limiter->mine, now_ms + RIND_RATE_RESERVATION_LIFETIME_MS, id);
}

/* Copies of all three lists, trimmed to what a receiver would keep. */
void rind_rate_limiter_export(struct rind_rate_limiter *limiter, uint64_t now_ms,
                              struct rind_rate_view *state)
{
    rind_rate_view_init(state);
    times_drop_before(&limiter->my_requests, minus_or_zero(now_ms, RIND_RATE_WINDOW_MS));
    reservations_expire(&limiter->mine, now_ms);
    marks_drop_before(&limiter->used, minus_or_zero(now_ms, RIND_RATE_USED_RETENTION_MS));
    for (size_t i = 0; i < limiter->my_requests.count; i++) {
        (void)rind_rate_times_insert(&state->requests, limiter->my_requests.items[i]);
    }
    for (size_t i = 0; i < limiter->mine.expiry.count; i++) {
        const struct rind_rate_mark *mark = &limiter->mine.expiry.items[i];
        const union rind_map32_value *latest = rind_map32_get(&limiter->mine.ids, mark->id.bytes);
        if (latest != NULL && latest->number == mark->when_ms) { /* neither used nor superseded */
            (void)rind_rate_marks_insert(&state->reservations, mark->when_ms, &mark->id);
        }
    }
    for (size_t i = 0; i < limiter->used.count; i++) {
        const struct rind_rate_mark *mark = &limiter->used.items[i];
        (void)rind_rate_marks_insert(&state->used, mark->when_ms, &mark->id);
    }
}

void rind_rate_limiter_set_others_take(struct rind_rate_limiter *limiter,
                                       struct rind_rate_view *state)
{
    free(limiter->others_requests.items);
    limiter->others_requests = state->requests;
    free(limiter->used_others.items);
    limiter->used_others = state->used;
    free(limiter->others.expiry.items);
    limiter->others.expiry = (struct rind_rate_marks){0};
    rind_map32_clear(&limiter->others.ids);
    for (size_t i = 0; i < state->reservations.count; i++) {
        reservations_add(&limiter->others, state->reservations.items[i].when_ms,
                         &state->reservations.items[i].id);
    }
    free(state->reservations.items);
    rind_rate_view_init(state);
}

static bool marks_end_before(const struct rind_rate_marks *marks, uint64_t limit_ms)
{
    return marks->count == 0 || marks->items[marks->count - 1].when_ms < limit_ms;
}

static bool times_end_before(const struct rind_rate_times *times, uint64_t limit_ms)
{
    return times->count == 0 || times->items[times->count - 1] < limit_ms;
}

bool rind_rate_limiter_is_idle(const struct rind_rate_limiter *limiter, uint64_t now_ms)
{
    uint64_t window_start_ms = minus_or_zero(now_ms, RIND_RATE_WINDOW_MS);
    return times_end_before(&limiter->my_requests, window_start_ms) &&
           times_end_before(&limiter->others_requests, window_start_ms) &&
           marks_end_before(&limiter->mine.expiry, now_ms) &&
           marks_end_before(&limiter->used, minus_or_zero(now_ms, RIND_RATE_USED_RETENTION_MS));
}
