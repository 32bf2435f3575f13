/*
 * consensus.pml - one group of HSMs and a host that does whatever it likes (spec 02 sections 8 and 10).
 *
 * Every message that a core has ever made stays with the host, and MACs cannot be forged: so what the
 * host can show is any entry of the tree of entries ever made, and any statement "h has persisted e"
 * that was once true. Each step of the host is one request to one core, or the loss of a core's memory.
 *
 * What is left out, and why nothing is lost by that:
 *  - Statements that CaptureJump remembers. They stay true and with the host, which can present those
 *    that a jump needs one right after the other.
 *  - A failing write to NVRAM. Whether the bytes are the old ones or the new ones, the core is as
 *    before, and after a restart as if it had been told to persist or had not.
 *  - BecomeLeader persists without testifying; the host could have asked for the testimony just before.
 *  - Sessions, proofs and records: the tree is the other specification's, checked by the simulator.
 *
 * Sizes: N HSMs, E entries ever made (the first included), GUESSES of the one user's policy.
 * Switches put known defects back; each must give a counter-example (run-model):
 *   JUMP_ON_ONE          CaptureJump follows one member's statement (02 section 10.2)
 *   MAJORITY_OFF_BY_ONE  half of the members, rounded down, commit
 *   TESTIFY_UNPERSISTED  statements of captures that NVRAM does not hold
 *   CHAIN_UNCHECKED      CaptureNext compares indexes and not prev_mac
 *   ANSWER_AT_ONCE       the answer leaves with the entry
 * REACH asks for a counter-example to "nothing interesting happens": see the last lines.
 */
#ifndef N
#define N 3
#endif
#ifndef E
#define E 4
#endif
#ifndef GUESSES
#define GUESSES 1
#endif

#ifndef LEADERS
#define LEADERS N
#endif
#ifndef KINDS
#define KINDS 1
#endif

#define MAJORITY (N / 2 + 1)
#ifdef MAJORITY_OFF_BY_ONE
#define VOTES_NEEDED (N / 2)
#else
#define VOTES_NEEDED MAJORITY
#endif

#define WITNESS 0
#define LEADER 1
#define STEPPING_DOWN 2

#define BIT(e) (1 << (e))
#define HAS(mask, e) (((mask) >> (e)) & 1)

/* The entries ever made, 1 to made; entry 0 is "none". */
byte made = 1;
byte parent[E + 1];
byte index[E + 1];
byte guesses[E + 1];    /* the user's guesses after it, on its own history */
short chain[E + 1];     /* the entry and all before it, as bits; "none" is before all */

/* The HSMs. */
short testified[N];     /* entries it has ever persisted, and so stated or could have */
byte captured[N];       /* volatile */
byte persisted[N];      /* NVRAM */
byte role[N];
byte first[N];          /* its log in memory goes from here ... */
byte last[N];           /* ... to here */
bool has_committed[N];  /* then `first` is what it committed last */
byte stepdown_at[N];    /* an index */
short pending[N];       /* entries of its log whose answer it holds */

/* What has left: for the properties only. */
byte top;               /* the newest entry committed anywhere */
byte opened;            /* answers to guesses that left */
#ifdef REACH
bool has_jumped;        /* on a majority's word */
#define JUMPED(h) has_jumped = has_jumped || persisted[h] != 0
#else
#define JUMPED(h) skip
#endif

byte leaders;           /* HSMs that lead or step down */

/* Scratch, zero between steps. */
byte x;
short y;
byte top_up;
byte leave_one;
int z;

inline forget(h)
{
    leaders = leaders - (role[h] != WITNESS -> 1 : 0);
    role[h] = WITNESS;
    first[h] = 0;
    last[h] = 0;
    has_committed[h] = false;
    stepdown_at[h] = 0;
    pending[h] = 0
}

/* Entries above index i leave the log, abandoned: their answers are gone. */
inline abandon_after(h, i)
{
    do
    :: index[last[h]] > i -> last[h] = parent[last[h]]
    :: else -> break
    od;
    pending[h] = pending[h] & chain[last[h]]
}

/* Section 8.4. */
inline step_down(h, i)
{
    if
    :: has_committed[h] && index[first[h]] == i && index[last[h]] == i -> forget(h)
    :: else ->
        role[h] = STEPPING_DOWN;
        stepdown_at[h] = i;
        abandon_after(h, i)
    fi
}

/* Section 10.1, steps 4 and 5. */
inline compare_with_log(h, e)
{
    if
    :: role[h] == LEADER && index[e] >= index[first[h]] && !HAS(chain[last[h]], e) ->
        if
        :: index[e] > index[last[h]] -> step_down(h, index[last[h]])
        :: index[e] == index[first[h]] -> forget(h)
        :: else -> step_down(h, index[e] - 1)
        fi
    :: else
    fi;
    if
    :: role[h] == STEPPING_DOWN && index[e] >= index[first[h]] && !HAS(chain[last[h]], e) ->
        if
        :: index[e] == index[first[h]] -> forget(h)
        :: else ->
            if
            :: index[e] <= index[last[h]] ->
                if
                :: index[e] - 1 < stepdown_at[h] -> stepdown_at[h] = index[e] - 1
                :: else
                fi;
                abandon_after(h, index[e] - 1)
            :: else
            fi;
            if
            :: parent[e] == last[h] -> last[h] = e
            :: else
            fi
        fi
    :: else
    fi
}

/*
 * HSMs differ in nothing but their state, so states in which they have changed places are one: they are
 * kept in ascending order of what they hold. NAMES keeps them in place, for stories that can be read.
 */
#ifdef NAMES
inline sort() { skip }
#else
#define SWAP(array, a, b) z = array[a]; array[a] = array[b]; array[b] = z
#define KEY(h) (((((((((testified[h] << 3 | captured[h]) << 3 | persisted[h]) << 2 | role[h]) << 3 | first[h]) << 3 | \
                 last[h]) << 1 | has_committed[h]) << 3 | stepdown_at[h]) << (E + 1)) | pending[h])
inline order(a, b)
{
    if
    :: KEY(a) > KEY(b) ->
        SWAP(testified, a, b); SWAP(captured, a, b); SWAP(persisted, a, b); SWAP(role, a, b); SWAP(first, a, b);
        SWAP(last, a, b); SWAP(has_committed, a, b); SWAP(stepdown_at, a, b); SWAP(pending, a, b); z = 0
    :: else
    fi
}
#if N == 2
inline sort() { order(0, 1) }
#elif N == 3
inline sort() { order(0, 1); order(1, 2); order(0, 1) }
#elif N == 4
inline sort() { order(0, 1); order(2, 3); order(0, 2); order(1, 3); order(1, 2) }
#else
inline sort()
{
    order(0, 1); order(3, 4); order(2, 4); order(2, 3); order(1, 4); order(0, 3); order(0, 2); order(1, 3); order(1, 2)
}
#endif
#endif

/* HSMs of which the host has a statement for one of the entries. */
#define SAYS(h, entries) ((testified[h] & (entries)) != 0)
#if N == 2
#define COUNT(entries) (SAYS(0, entries) + SAYS(1, entries))
#elif N == 3
#define COUNT(entries) (SAYS(0, entries) + SAYS(1, entries) + SAYS(2, entries))
#elif N == 4
#define COUNT(entries) (SAYS(0, entries) + SAYS(1, entries) + SAYS(2, entries) + SAYS(3, entries))
#else
#define COUNT(entries) (SAYS(0, entries) + SAYS(1, entries) + SAYS(2, entries) + SAYS(3, entries) + SAYS(4, entries))
#endif

/* The properties, at the moment in which the answer of entry e leaves. */
inline leave(e)
{
    /* y: e and its successors. No answer before a majority captured its entry or a later one. */
    y = 0;
    x = 1;
    do
    :: x <= made -> y = y | (HAS(chain[x], e) << x); x++
    :: else -> break
    od;
    assert(COUNT(y) >= MAJORITY);
    if
    :: guesses[e] > guesses[parent[e]] -> opened++
    :: else
    fi;
    assert(opened <= GUESSES)
}

/* Answers of the log up to x leave. */
inline release(h)
{
    do
    :: (pending[h] & chain[x]) == 0 -> break
    :: else ->
        y = 1;
        do
        :: HAS(pending[h] & chain[x], y) -> break
        :: else -> y++
        od;
        pending[h] = pending[h] & ~BIT(y);
        top_up = x;
        leave_one = y;
        leave(leave_one);
        x = top_up
    od;
    top_up = 0;
    leave_one = 0
}

/* Section 10.6 with the votes that make e the outcome. */
inline commit(h, e)
{
    x = e;
    if
    :: role[h] == STEPPING_DOWN && index[x] > stepdown_at[h] ->
        do
        :: index[x] > stepdown_at[h] -> x = parent[x]
        :: else -> break
        od
    :: else
    fi;
    release(h);
    first[h] = x;
    has_committed[h] = true;
    /* One history. */
    assert(HAS(chain[x], top) || HAS(chain[top], x));
    if
    :: HAS(chain[x], top) -> top = x
    :: else
    fi;
    if
    :: role[h] == STEPPING_DOWN && index[x] >= stepdown_at[h] -> forget(h)
    :: else
    fi;
    x = 0;
    y = 0
}

inline append(h, is_guess)
{
    made++;
    parent[made] = last[h];
    index[made] = index[last[h]] + 1;
    guesses[made] = guesses[last[h]] + (is_guess && guesses[last[h]] < GUESSES -> 1 : 0);
    chain[made] = chain[last[h]] | BIT(made);
    last[h] = made;
#ifdef ANSWER_AT_ONCE
    leave(made);
    x = 0;
    y = 0
#else
    pending[h] = pending[h] | BIT(made)
#endif
}

#ifdef CHAIN_UNCHECKED
#define FOLLOWS(h, e) (index[e] == index[captured[h]] + 1)
#else
#define FOLLOWS(h, e) (parent[e] == captured[h])
#endif
#ifdef JUMP_ON_ONE
#define MAY_JUMP(h, e) (COUNT(BIT(e)) >= 1)
#else
#define MAY_JUMP(h, e) (COUNT(BIT(e)) >= MAJORITY || (persisted[h] == 0 && COUNT(BIT(e)) >= 1))
#endif
/* The log from e on: a vote for one of these is at least for e. */
#define FROM(h, e) (chain[last[h]] & ~chain[parent[e]])

/* What the host may do with HSM h and entry e. */
#define WITH_ENTRY(h, e) \
    :: d_step { e <= made && FOLLOWS(h, e) -> captured[h] = e; compare_with_log(h, e); sort() } \
    :: d_step { e <= made && role[h] == WITNESS && index[e] > index[captured[h]] && MAY_JUMP(h, e) -> \
                captured[h] = e; JUMPED(h); sort() } \
    :: d_step { e <= made && role[h] == WITNESS && leaders < LEADERS && captured[h] == e -> \
                persisted[h] = captured[h]; testified[h] = testified[h] | BIT(captured[h]); \
                role[h] = LEADER; leaders++; first[h] = e; last[h] = e; sort() } \
    :: d_step { e <= made && role[h] != WITNESS && HAS(chain[last[h]], e) && index[e] >= index[first[h]] && \
                (!has_committed[h] || e != first[h] || role[h] == STEPPING_DOWN) && \
                COUNT(BIT(e)) >= 1 && COUNT(FROM(h, e)) >= VOTES_NEEDED -> commit(h, e); sort() }

#ifdef TESTIFY_UNPERSISTED
#define PERSIST(h) testified[h] = testified[h] | BIT(captured[h])
#else
#define PERSIST(h) persisted[h] = captured[h]; testified[h] = testified[h] | BIT(captured[h])
#endif

/* A request that uses no guess though there is one; KINDS=0 leaves them out. */
#if KINDS
#define OTHER_REQUEST(h) \
    :: d_step { MAY_APPEND(h) && guesses[last[h]] < GUESSES -> append(h, false); sort() }
#else
#define OTHER_REQUEST(h)
#endif
#define MAY_APPEND(h) (role[h] == LEADER && made < E)

/* Stepping down when told, politely or by force, and restarts; CALM leaves them out. */
#ifdef CALM
#define UNREST(h)
#else
#define UNREST(h) \
    :: d_step { role[h] == LEADER -> step_down(h, index[last[h]]); sort() } \
    :: d_step { role[h] != WITNESS -> forget(h); sort() } \
    :: d_step { role[h] != WITNESS || captured[h] != persisted[h] -> \
                forget(h); captured[h] = persisted[h]; sort() }
#endif

/* What it may do with HSM h. */
#define WITH_HSM(h) \
    :: d_step { MAY_APPEND(h) -> append(h, true); sort() } \
    OTHER_REQUEST(h) \
    :: d_step { captured[h] != persisted[h] -> PERSIST(h); sort() } \
    UNREST(h) \
    WITH_ENTRY(h, 1) WITH_ENTRY(h, 2) WITH_ENTRY(h, 3) AT_4(h) AT_5(h) AT_6(h) AT_7(h)

#if E >= 4
#define AT_4(h) WITH_ENTRY(h, 4)
#else
#define AT_4(h)
#endif
#if E >= 5
#define AT_5(h) WITH_ENTRY(h, 5)
#else
#define AT_5(h)
#endif
#if E >= 6
#define AT_6(h) WITH_ENTRY(h, 6)
#else
#define AT_6(h)
#endif
#if E >= 7
#define AT_7(h) WITH_ENTRY(h, 7)
#else
#define AT_7(h)
#endif
#if N >= 3
#define HSM_2 WITH_HSM(2)
#else
#define HSM_2
#endif
#if N >= 4
#define HSM_3 WITH_HSM(3)
#else
#define HSM_3
#endif
#if N >= 5
#define HSM_4 WITH_HSM(4)
#else
#define HSM_4
#endif

active proctype host()
{
    /* NewGroup: HSM 0 made the first entry and leads; nobody has captured anything. */
    d_step {
        index[1] = 1;
        chain[0] = BIT(0);
        chain[1] = BIT(0) | BIT(1);
        role[0] = LEADER;
        leaders = 1;
        first[0] = 1;
        last[0] = 1;
        sort()
    }
end:
    do
    WITH_HSM(0)
    WITH_HSM(1)
    HSM_2
    HSM_3
    HSM_4
    /* REACH: somebody jumped on a majority's word, and after it a second entry committed. */
#ifdef REACH
    :: d_step { has_jumped && index[top] >= 3 && opened > 0 -> assert(false) }
#endif
    od
}
