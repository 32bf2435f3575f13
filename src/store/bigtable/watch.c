/*
 * watch.c - waiting for changes where nobody tells about them.
 *
 * Bigtable has no notification, so a watcher of another process's writes can only look again. How
 * soon follows from how busy the group is: right after a change the next one is likely near, so a
 * wait is an eighth of the time since the last one, between 1 ms (as the reference polls always,
 * section 9.3) and 25 ms. An idle group costs 40 small reads a second, a busy one adds about 1 ms
 * to a commit. Our own writes wake our watchers at once.
 */
#include "store/bigtable/bigtable.h"

#define WATCH_SHARE 8u

static struct rind_bigtable_topic *watch_topic(struct rind_bigtable_engine *bigtable,
                                               uint32_t topic)
{
    return &bigtable->topics[topic % RIND_BIGTABLE_TOPICS];
}

static bool watch_is_log(const struct rind_table *table)
{
    return table->kind == RIND_TABLE_LOG;
}

void rind_bigtable_note_write(struct rind_bigtable_engine *bigtable, const struct rind_table *table,
                              struct rind_slice row_key)
{
    if (!watch_is_log(table)) {
        return;
    }
    uint32_t number = rind_engine_topic(&table->realm, row_key);
    rind_mutex_lock(&bigtable->topics_mutex);
    struct rind_bigtable_topic *topic = watch_topic(bigtable, number);
    topic->count++;
    topic->active_ns = rind_clock_monotonic_ns();
    rind_cond_broadcast(&bigtable->topics_cond);
    rind_mutex_unlock(&bigtable->topics_mutex);
}

void rind_bigtable_note_read(struct rind_bigtable_engine *bigtable, const struct rind_table *table,
                             struct rind_slice row_key)
{
    if (!watch_is_log(table)) {
        return;
    }
    uint32_t number = rind_engine_topic(&table->realm, row_key);
    rind_mutex_lock(&bigtable->topics_mutex);
    watch_topic(bigtable, number)->active_ns = rind_clock_monotonic_ns();
    rind_mutex_unlock(&bigtable->topics_mutex);
}

uint32_t rind_bigtable_change_count(struct rind_engine *engine, uint32_t topic)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    rind_mutex_lock(&bigtable->topics_mutex);
    uint32_t count = watch_topic(bigtable, topic)->count;
    rind_mutex_unlock(&bigtable->topics_mutex);
    return count;
}

static uint64_t watch_interval_ns(const struct rind_bigtable_topic *topic)
{
    uint64_t interval_ns = (rind_clock_monotonic_ns() - topic->active_ns) / WATCH_SHARE;
    uint64_t min_ns = RIND_BIGTABLE_POLL_MS_MIN * RIND_NS_PER_MS;
    uint64_t max_ns = RIND_BIGTABLE_POLL_MS_MAX * RIND_NS_PER_MS;
    return interval_ns < min_ns ? min_ns : interval_ns > max_ns ? max_ns : interval_ns;
}

void rind_bigtable_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                               struct rind_deadline deadline)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    rind_mutex_lock(&bigtable->topics_mutex);
    const struct rind_bigtable_topic *watched = watch_topic(bigtable, topic);
    struct rind_deadline end =
        rind_deadline_min(deadline, rind_deadline_in_ns(watch_interval_ns(watched)));
    while (watched->count == since &&
           rind_cond_wait(&bigtable->topics_cond, &bigtable->topics_mutex, end)) {
    }
    rind_mutex_unlock(&bigtable->topics_mutex);
}

void rind_bigtable_wake(struct rind_engine *engine)
{
    struct rind_bigtable_engine *bigtable = rind_bigtable_of(engine);
    rind_mutex_lock(&bigtable->topics_mutex);
    for (size_t i = 0; i < RIND_BIGTABLE_TOPICS; i++) {
        bigtable->topics[i].count++;
    }
    rind_cond_broadcast(&bigtable->topics_cond);
    rind_mutex_unlock(&bigtable->topics_mutex);
}
