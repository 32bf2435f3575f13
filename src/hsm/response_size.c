/*
 * response_size.c - see response_size.h.
 *
 * Two answers are large. Commit releases up to a full log of responses and as many abandoned MACs.
 * A transfer adds and removes the nodes of a few paths.
 */
#include "hsm/response_size.h"

#include "hsm/leader_log.h"
#include "hsm/state.h"
#include "wire/wire.h"

/* One released response: MAC, Noise response, result; names, heads and integers are under 256. */
#define RESPONSE_RELEASED_SIZE (RIND_HSM_RESPONSE_CIPHERTEXT_SIZE + 256u)
/* One abandoned MAC: its head and its bytes. */
#define RESPONSE_ABANDONED_SIZE 34u
/*
 * A merge removes two paths of 256 nodes and adds at most as many; a node and its key take less
 * than 512 bytes. One leaf of a record comes on top, and everything that is small.
 */
#define RESPONSE_TREE_SIZE (1024u * 512u)
#define RESPONSE_OTHER_SIZE (64u * 1024u)

_Static_assert(RIND_HSM_LOG_ENTRIES_MAX *(RESPONSE_RELEASED_SIZE + RESPONSE_ABANDONED_SIZE) +
                       RESPONSE_TREE_SIZE + RESPONSE_OTHER_SIZE <=
                   RIND_HSM_RESPONSE_SIZE_MAX,
               "the envelope takes the largest response");

/* What verifying, merging and the like take as structs, measured below 600 KB at 256 levels. */
#define RESPONSE_TREE_WORK_SIZE (2u * 1024u * 1024u)

size_t rind_hsm_response_size_bytes_max(const struct rind_hsm_config *config)
{
    return (size_t)config->log_entries_max * (RESPONSE_RELEASED_SIZE + RESPONSE_ABANDONED_SIZE) +
           RESPONSE_TREE_SIZE + RESPONSE_OTHER_SIZE;
}

size_t rind_hsm_work_size_bytes(const struct rind_hsm_config *config)
{
    return (size_t)config->log_entries_max * sizeof(struct rind_released_response) +
           RESPONSE_TREE_WORK_SIZE + rind_hsm_response_size_bytes_max(config);
}
