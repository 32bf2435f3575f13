/* cluster_snapshot.c - going back to an earlier moment: see cluster.h. */
#include <stdlib.h>
#include <sys/mman.h>

#include "hsm/cluster_inner.h"

#define SNAPSHOT_PAGE_SIZE 4096u

/* Of a core's memory only the pages that hold something: most of it is room for later. */
struct snapshot_page {
    size_t offset;
    uint8_t bytes[SNAPSHOT_PAGE_SIZE];
};

struct snapshot_memory {
    struct snapshot_page *pages;
    size_t count;
};

struct cluster_snapshot {
    struct cluster_hsm hsms[CLUSTER_HSMS_MAX];
    struct snapshot_memory memory[CLUSTER_HSMS_MAX];
    size_t log_counts[CLUSTER_GROUPS_MAX];
    unsigned log_count;
};

static bool snapshot_is_empty(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void snapshot_keep(struct snapshot_memory *memory, const uint8_t *bytes, size_t size)
{
    for (size_t offset = 0; offset < size; offset += SNAPSHOT_PAGE_SIZE) {
        size_t piece = size - offset < SNAPSHOT_PAGE_SIZE ? size - offset : SNAPSHOT_PAGE_SIZE;
        if (snapshot_is_empty(bytes + offset, piece)) {
            continue;
        }
        struct snapshot_page *pages =
            realloc(memory->pages, (memory->count + 1) * sizeof(*memory->pages));
        if (pages == NULL) {
            cluster_fail("realloc", "no memory");
        }
        memory->pages = pages;
        struct snapshot_page *page = &pages[memory->count++];
        page->offset = offset;
        memcpy(page->bytes, bytes + offset, piece);
    }
}

struct cluster_snapshot *cluster_snapshot_take(const struct cluster *cluster)
{
    struct cluster_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL) {
        cluster_fail("calloc", "no memory");
    }
    for (unsigned h = 0; h < cluster->hsm_count; h++) {
        RIND_ASSERT(cluster->hsms[h].core != NULL);
        snapshot->hsms[h] = cluster->hsms[h];
        snapshot_keep(&snapshot->memory[h], cluster->hsms[h].memory, cluster->memory_size);
    }
    snapshot->log_count = cluster->log_count;
    for (unsigned i = 0; i < cluster->log_count; i++) {
        snapshot->log_counts[i] = cluster->logs[i].count;
    }
    return snapshot;
}

void cluster_snapshot_restore(struct cluster *cluster, const struct cluster_snapshot *snapshot)
{
    RIND_ASSERT(cluster->log_count == snapshot->log_count);
    for (unsigned h = 0; h < cluster->hsm_count; h++) {
        /* Pointers inside lead to where the memory was, and is: reboots keep it. */
        RIND_ASSERT(cluster->hsms[h].memory == snapshot->hsms[h].memory);
        cluster->hsms[h] = snapshot->hsms[h];
        cluster_memory_clear(cluster->hsms[h].memory, cluster->memory_size);
        uint8_t *memory = cluster->hsms[h].memory;
        for (size_t i = 0; i < snapshot->memory[h].count; i++) {
            const struct snapshot_page *page = &snapshot->memory[h].pages[i];
            size_t room = cluster->memory_size - page->offset;
            memcpy(memory + page->offset, page->bytes,
                   room < SNAPSHOT_PAGE_SIZE ? room : SNAPSHOT_PAGE_SIZE);
        }
    }
    for (unsigned i = 0; i < cluster->log_count; i++) {
        cluster->logs[i].count = snapshot->log_counts[i];
    }
    cluster_reset(cluster);
}

void cluster_snapshot_free(struct cluster_snapshot *snapshot)
{
    for (unsigned h = 0; h < CLUSTER_HSMS_MAX; h++) {
        free(snapshot->memory[h].pages);
    }
    free(snapshot);
}
