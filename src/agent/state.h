/*
 * state.h - what the agent knows: its groups, their roles, and the leaderships built on them.
 *
 * Spec 06 section 5. Groups are added and never removed, so a group pointer stays good for the
 * life of the agent. A leadership (struct rind_leader) exists exactly while the group's role is
 * Leader or SteppingDown. It has a number of its own, and whoever comes back from I/O asks for it
 * by that number: the appender of an old leadership can never touch the state of a new one.
 *
 * Locks: agent->lock and group->lock guard plain memory. A group's lock may be taken while holding
 * no other; neither is held over I/O, over calls into other rooms, or while answering anybody.
 */
#ifndef RIND_AGENT_STATE_H
#define RIND_AGENT_STATE_H

#include <stdatomic.h>

#include "agent/append_item.h"
#include "agent/map32.h"
#include "base/base.h"
#include "host/host.h"
#include "store/store.h"
#include "wire/wire.h"

/* Groups per HSM are limited to 16 by the HSM; decoders allow more, so the table does too. */
#define RIND_AGENT_GROUPS_MAX RIND_WIRE_GROUPS_MAX
/* HSMs allow 9 members; so many can be listed by a decoded configuration. */
#define RIND_AGENT_MEMBERS_MAX RIND_WIRE_CONFIGURATION_MAX

/*
 * App requests of one group between "proof taken" and "append acknowledged". Half of the software
 * HSM's overlay (spec 06 section 13.3): beyond it proofs could go stale faster than they are used.
 */
#define RIND_AGENT_ADMITTED_MAX 512u
/* Indexes ahead of the next to append that a leadership can hold. */
#define RIND_AGENT_QUEUE_MAX 1024u
_Static_assert(RIND_AGENT_QUEUE_MAX > RIND_AGENT_ADMITTED_MAX + 64u,
               "all admitted requests and some transfers must find room in the queue");
/* Clients parked until their entry commits; each costs a few hundred bytes. */
#define RIND_AGENT_WAITERS_MAX 65536u
/* Log rows one leadership remembers for compaction (16 bytes each); later ones are left to the next
 * leader's listing. */
#define RIND_AGENT_ROWS_MAX 1048576u
/* Acknowledged entries kept for the own watcher; beyond, it reads the store. */
#define RIND_AGENT_FED_MAX 1024u

struct rind_agent;
struct rind_app_waiter; /* waiter.h: a client parked until its entry commits */

/* One leadership of a group. Guarded by the group's lock. */
struct rind_leader {
    uint64_t number;   /* unique in this process */
    uint64_t clock;    /* role clock as Leader; SteppingDown is the one after it */
    uint64_t starting; /* first index it may write */

    struct rind_append_item *queue[RIND_AGENT_QUEUE_MAX]; /* by index modulo the size */
    uint64_t next;          /* first index not yet taken for an append, or, once closed, refused */
    size_t queued_count;    /* items in queue */
    size_t appending_count; /* items of the append under way */
    bool is_lingering;      /* the appender gives requests at the HSM a moment to join its batch */
    bool is_closed;         /* another leader has written: nothing more is appended */

    /* The newest entry that follows all before it without a gap: what proofs are built on. */
    bool has_basis;
    struct rind_log_entry basis;

    size_t admitted_count; /* requests that may still return an entry; see lost.h */
    uint64_t highest_seen; /* highest index an HSM reply brought */
    bool is_reply_lost;    /* a reply did not arrive: an entry may be missing */
    bool is_chain_broken;  /* an entry does not follow the one before it: one is missing */

    bool has_last_appended;
    struct rind_log_position last_appended;
    uint64_t committed;      /* highest index the HSM committed in this leadership; 0: none yet */
    uint64_t progress_at_ns; /* when last_appended or committed last moved */
    uint64_t compact_index;
    bool is_commit_reply_lost; /* answers may have been in it: see commit.c */

    struct rind_log_row *rows; /* still to be compacted, ascending */
    size_t row_count;
    size_t row_capacity;
    bool is_rows_full;

    struct rind_map32 waiters; /* entry MAC -> struct rind_app_waiter */
};

/* Another member of a group, as its leader sees it. */
struct rind_agent_member {
    struct rind_agent_group *group;
    struct rind_hsm_id hsm;
    bool has_captured;             /* guarded by the group's lock, as is the next */
    struct rind_captured captured; /* the newest it reported */
    struct rind_thread thread;     /* asks it; idle unless this HSM leads */
};

struct rind_agent_group {
    struct rind_agent *agent;
    struct rind_realm_id realm;
    struct rind_group_id id;
    struct rind_log log; /* carries realm and group */
    char realm_hex[RIND_HEX_SIZE(16)];
    char group_hex[RIND_HEX_SIZE(16)];
    struct rind_tag tags[2]; /* realm and group, of its metrics */
    struct rind_agent_member others[RIND_AGENT_MEMBERS_MAX];
    size_t other_count;
    size_t member_count;        /* self included */
    uint64_t watch_first;       /* index the watcher begins at */
    unsigned suspect_hsm_count; /* of the watchdog alone: see watchdog.c */
    unsigned suspect_agent_count;

    struct rind_mutex lock; /* guards all below, up to the threads */
    struct rind_role_status role;
    uint64_t hsm_boot;          /* which life of the HSM the role belongs to */
    struct rind_leader *leader; /* NULL unless leading or stepping down */
    bool has_captured;
    struct rind_captured captured; /* own and persisted; the only kind that is ever shown */
    uint64_t captured_volatile;    /* highest index given to the HSM by CaptureNext or a jump */
    struct rind_append_item *fed[RIND_AGENT_FED_MAX]; /* acknowledged, ascending, without a gap */
    size_t fed_count;
    bool is_conflict_seen;    /* an append failed: the watcher must read the log at once */
    uint64_t capture_version; /* grows with every capture that arrives, own or foreign */

    struct rind_cond append_wanted;  /* the appender waits here, */
    struct rind_cond watch_wanted;   /* the watcher while leading, */
    struct rind_cond commit_wanted;  /* the committer, */
    struct rind_cond poll_wanted;    /* the members' pollers, */
    struct rind_cond compact_wanted; /* the compactor, */
    struct rind_cond captured_news;  /* leaders that ask what has been persisted, */
    struct rind_cond progress;       /* commit waits, admission and shutdown */

    struct rind_thread watcher;
    struct rind_thread appender;
    struct rind_thread committer;
    struct rind_thread compactor;
};

/* The index after this one; the last one there is comes after itself. */
uint64_t rind_index_after(uint64_t index);

/* A fresh leadership; starting from what `role` (Leader or SteppingDown) says. */
struct rind_leader *rind_leader_new(uint64_t number, const struct rind_role_status *role);

/* True if `role` is the Leader or SteppingDown role of this leadership. */
bool rind_leader_is_of(const struct rind_leader *leader, const struct rind_role_status *role);

/* The group's leadership if it is still number `number`, else NULL. Group's lock held. */
struct rind_leader *rind_leader_of(struct rind_agent_group *group, uint64_t number);

/*
 * Frees a leadership that is no longer reachable from its group: parked clients get NotLeader,
 * queued entries and their pinned nodes go. No lock held. NULL is allowed.
 */
void rind_leader_retire(struct rind_agent_group *group, struct rind_leader *leader);

/* Unpins an item's nodes in the store's cache: those that were not written are dropped. */
void rind_item_unpin(struct rind_agent_group *group, struct rind_append_item *item);

#endif
