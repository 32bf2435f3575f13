/*
 * rate_limit.h - one tenant's limiter: requests per sliding second over all agents, and
 * reservations that let an operation that has begun also end. Spec 06 section 7.
 *
 * Pure state: times are handed in as Unix milliseconds, nothing is locked (rate_tenants.h does).
 * State of peers is hostile in form only: any list in any order is accepted, sorted and bounded.
 */
#ifndef RIND_AGENT_RATE_LIMIT_H
#define RIND_AGENT_RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/map32.h"
#include "base/base.h"

#define RIND_RATE_WINDOW_MS 1000u
#define RIND_RATE_RESERVATION_LIFETIME_MS 2000u
#define RIND_RATE_USED_RETENTION_MS 4000u

/* Bound of each list of one limiter, own or of all peers together: a second's requests of one
 * tenant; far above what a realm's HSMs can serve. At the limit requests are denied. */
#define RIND_RATE_LIST_COUNT_MAX 131072u

/* A point in time about one record: a reservation's expiry, or a reservation that was used. */
struct rind_rate_mark {
    uint64_t when_ms;
    struct rind_record_id id;
};

/* Growable sorted lists; `count` used of `capacity`. Times ascending, marks by (when, id). */
struct rind_rate_times {
    uint64_t *items;
    size_t count;
    size_t capacity;
};
struct rind_rate_marks {
    struct rind_rate_mark *items;
    size_t count;
    size_t capacity;
};

/* What agents tell one another about one tenant. Of `reservations`, ids whose entry in the `ids`
 * map differs from the list are not worth telling apart: both carry (when, id). */
struct rind_rate_view {
    struct rind_rate_times requests;
    struct rind_rate_marks reservations;
    struct rind_rate_marks used;
};

struct rind_rate_promises {
    struct rind_rate_marks expiry;
    struct rind_map32 ids; /* record id -> latest expiry */
};

struct rind_rate_limiter {
    uint64_t rate; /* requests per second */
    struct rind_rate_times my_requests;
    struct rind_rate_times others_requests;
    struct rind_rate_promises mine;
    struct rind_rate_promises others;
    struct rind_rate_marks used;
    struct rind_rate_marks used_others;
};

struct rind_rate_decision {
    uint64_t used; /* requests in the window before this one */
    uint64_t limit;
    bool is_reserved;
    bool is_allowed;
};

/* An empty state; free with _fini. */
void rind_rate_view_init(struct rind_rate_view *state);
void rind_rate_view_fini(struct rind_rate_view *state);

/* Adds an item at its place. False when RIND_RATE_LIST_COUNT_MAX is reached. */
bool rind_rate_times_insert(struct rind_rate_times *times, uint64_t when_ms);
bool rind_rate_marks_insert(struct rind_rate_marks *marks, uint64_t when_ms,
                            const struct rind_record_id *id);

/* Merges `from` into `into`: requests keep duplicates, marks are sets. What does not fit under the
 * limit is dropped (the newest first). */
void rind_rate_view_merge(struct rind_rate_view *into, const struct rind_rate_view *from);

/* A limiter of `rate` requests per second that has seen nothing. */
void rind_rate_limiter_init(struct rind_rate_limiter *limiter, uint64_t rate);
void rind_rate_limiter_fini(struct rind_rate_limiter *limiter);

/* Decides about one request for `id` at `now_ms`, and counts it if allowed. A reservation for the
 * record is consumed either way. */
struct rind_rate_decision rind_rate_limiter_allow(struct rind_rate_limiter *limiter,
                                                  uint64_t now_ms, const struct rind_record_id *id);

/* Reserves one later request for `id` within RIND_RATE_RESERVATION_LIFETIME_MS. */
void rind_rate_limiter_reserve(struct rind_rate_limiter *limiter, uint64_t now_ms,
                               const struct rind_record_id *id);

/* What peers need to know at `now_ms`; only what can still matter to them. `state` is initialised
 * by the call; fini it. */
void rind_rate_limiter_export(struct rind_rate_limiter *limiter, uint64_t now_ms,
                              struct rind_rate_view *state);

/* Replaces the view of all peers by `state`, whose lists are taken (left empty). */
void rind_rate_limiter_set_others_take(struct rind_rate_limiter *limiter,
                                       struct rind_rate_view *state);

/* True if nothing in it can influence a decision at or after `now_ms`. */
bool rind_rate_limiter_is_idle(const struct rind_rate_limiter *limiter, uint64_t now_ms);

#endif
