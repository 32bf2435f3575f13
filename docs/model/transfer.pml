/*
 * transfer.pml - one range of records, three groups, and a host that does whatever it likes with the
 * requests of spec 02 section 14.
 *
 * That each group commits one history is consensus.pml's; here it is given: a group is the tree of the
 * entries its leaders ever made and how far one branch of it has committed. Leaders are HSMs that the
 * host lets lead from any entry, old ones and abandoned ones too; a new leadership has forgotten the
 * nonce and which entries are committed. All statements ever made stay with the host.
 *
 * The range is moved as a whole; splitting and merging trees is the other specification's. `version`
 * stands for what the records hold: each request of a user raises it.
 *
 * Sizes: P0, P1, P2 entries ever made in each group (the first included), K nonces for each group,
 * VERSIONS, LEADERS at a time in each group. Switches, each of which must give a counter-example:
 *   ANY_NONCE          a pending Out is stated for any nonce (section 14.7)
 *   BINDING_FORGOTTEN  a request or a new leader forgets which preparation the Out entry answers
 *   NOT_BUSY           the statement is made before the Out entry has committed
 *   NO_STATEMENT       TransferIn takes the range without the source's statement
 *   OLD_NONCE          TransferIn does not compare the nonce with the newest one
 * REACH asks for a counter-example to "the range never comes back to the group that it left".
 */
#ifndef P0
#define P0 3
#endif
#ifndef P1
#define P1 4
#endif
#ifndef P2
#define P2 3
#endif
#ifndef K
#define K 2
#endif
#ifndef VERSIONS
#define VERSIONS 1
#endif
#ifndef LEADERS
#define LEADERS 1
#endif

#define GROUPS 3
#define P 8 /* entries 8 * group to 8 * group + 7; the first of each group is 8 * group */
#define ENTRIES (GROUPS * P)
#define NONE 255
#define GROUP(e) ((e) / P)
#define BIT(e) (1 << (e))
#define HAS(mask, e) (((mask) >> (e)) & 1)
#define LIMIT(g) ((g) == 0 -> P0 : ((g) == 1 -> P1 : P2))

#define NO_TRANSFER 0
#define IN 1
#define OUT 2

/* The entries ever made. */
byte made[GROUPS];
byte parent[ENTRIES];
byte index[ENTRIES];
int chain[ENTRIES];      /* the entry and all before it, as bits */
bool owns[ENTRIES];
byte version[ENTRIES];   /* of the range: owned, or in a transfer out */
byte transfer[ENTRIES];
byte peer[ENTRIES];
byte at[ENTRIES];        /* index of the entry that began the transfer */
byte preparation[ENTRIES]; /* that the transfer out answers: an index in the log of the peer; 0: any */
byte delivery[ENTRIES];  /* TransferIn: the Out entry that it delivers. For the properties only. */

/* Nonces, and with them the prepared statements: K for each destination. */
byte drawn[GROUPS];
byte nonce_source[GROUPS * K];
byte nonce_preparation[GROUPS * K];
/* For which transfers out the source has made its statement with this nonce. */
int stated[GROUPS * K];

/* Leaders. */
byte last[GROUPS * LEADERS];
bool has_given_up[GROUPS * LEADERS]; /* it knows that the pending Out entry has committed */
byte incoming[GROUPS * LEADERS] = NONE;

/* What is committed. */
byte top[GROUPS];
int delivered;           /* Out entries */
byte newest;             /* version */

/* Scratch. */
byte x = NONE;
byte y = NONE;

/* A new entry of leader s: as the last one but for what the caller changes afterwards. */
inline append(g, s)
{
    x = g * P + made[g];
    made[g]++;
    y = last[s];
    parent[x] = y;
    index[x] = index[y] + 1;
    chain[x] = chain[y] | BIT(x);
    owns[x] = owns[y];
    version[x] = version[y];
    transfer[x] = transfer[y];
    peer[x] = peer[y];
    at[x] = at[y];
    preparation[x] = preparation[y];
    delivery[x] = NONE;
    last[s] = x;
    y = NONE
}

inline end_transfer(s, e)
{
    has_given_up[s] = false;
    transfer[e] = NO_TRANSFER;
    peer[e] = 0;
    at[e] = 0;
    preparation[e] = 0
}

inline draw(g, s, source)
{
    y = g * K + drawn[g];
    drawn[g]++;
    nonce_source[y] = source;
    nonce_preparation[y] = at[last[s]];
    incoming[s] = y;
    y = NONE
}

/* 14.1, first time and again. */
inline prepare(g, s, source)
{
    if
    :: transfer[last[s]] == NO_TRANSFER ->
        append(g, s);
        transfer[x] = IN;
        peer[x] = source;
        at[x] = index[x];
        x = NONE
    :: else
    fi;
    draw(g, s, source)
}
#define MAY_PREPARE(g, s, source) \
    (drawn[g] < K && !owns[last[s]] && \
     ((transfer[last[s]] == NO_TRANSFER && made[g] < LIMIT(g)) || \
      (transfer[last[s]] == IN && peer[last[s]] == source)))

/* 14.3 */
inline give_out(g, s, n)
{
    append(g, s);
    owns[x] = false;
    transfer[x] = OUT;
    peer[x] = (n) / K;
    at[x] = index[x];
    preparation[x] = nonce_preparation[n];
    x = NONE
}
#define MAY_GIVE_OUT(g, s, n) \
    ((n) % K < drawn[(n) / K] && (n) / K != g && nonce_source[n] == g && made[g] < LIMIT(g) && \
     owns[last[s]] && transfer[last[s]] == NO_TRANSFER)

/* 14.4 */
inline make_statement(s, n)
{
    x = last[s];
    do
    :: index[x] > at[last[s]] -> x = parent[x]
    :: else -> break
    od;
    stated[n] = stated[n] | BIT(x);
    x = NONE
}
#ifdef NOT_BUSY
#define IS_GIVEN_UP(s) true
#else
#define IS_GIVEN_UP(s) has_given_up[s]
#endif
#ifdef ANY_NONCE
#define ANSWERS(s, n) true
#else
#define ANSWERS(s, n) (preparation[last[s]] == 0 || preparation[last[s]] == nonce_preparation[n])
#endif
#define MAY_STATE(s, n) \
    ((n) % K < drawn[(n) / K] && transfer[last[s]] == OUT && IS_GIVEN_UP(s) && ANSWERS(s, n))

/* 14.5: takes what Out entry o gave up. */
inline take_in(g, s, o)
{
    append(g, s);
    owns[x] = true;
    version[x] = version[o];
    end_transfer(s, x);
    delivery[x] = o;
    incoming[s] = NONE;
    x = NONE
}
#ifdef NO_STATEMENT
#define IS_STATED(s, o) true
#else
#define IS_STATED(s, o) HAS(stated[incoming[s]], o)
#endif
#ifdef OLD_NONCE
#define IS_STATED_FOR(g, s, o) (HAS(stated[g * K], o) || (K > 1 && HAS(stated[g * K + K - 1], o)))
#else
#define IS_STATED_FOR(g, s, o) (incoming[s] != NONE && IS_STATED(s, o))
#endif
#define MAY_TAKE_IN(g, s, o) \
    ((o) % P < made[GROUP(o)] && (o) % P > 0 && made[g] < LIMIT(g) && transfer[last[s]] == IN && \
     transfer[o] == OUT && at[o] == index[o] && peer[o] == g && IS_STATED_FOR(g, s, o))

/* Each newly committed entry, the oldest first. */
inline check(e)
{
    if
    :: delivery[e] != NONE ->
        assert(!HAS(delivered, delivery[e])); /* delivery at most once */
        delivered = delivered | BIT(delivery[e])
    :: else
    fi;
    if
    :: owns[e] ->
        assert(version[e] >= newest); /* nothing that users did is forgotten */
        newest = version[e]
    :: else
    fi
}

#define GIVES_UP(s, e) (transfer[last[s]] == OUT && index[e] >= at[last[s]])
inline commit(g, s, e)
{
    do
    :: top[g] == e || !HAS(chain[e], top[g]) -> break
    :: else ->
        x = e;
        do
        :: parent[x] == top[g] -> break
        :: else -> x = parent[x]
        od;
        top[g] = x;
        check(x)
    od;
    has_given_up[s] = GIVES_UP(s, e) || has_given_up[s];
    x = NONE;
    assert(owns[top[0]] + owns[top[1]] + owns[top[2]] <= 1) /* one owner */
}
#define MAY_COMMIT(g, s, e) \
    ((e) % P < made[g] && HAS(chain[last[s]], e) && (HAS(chain[e], top[g]) || HAS(chain[top[g]], e)) && \
     ((e != top[g] && HAS(chain[e], top[g])) || (GIVES_UP(s, e) && !has_given_up[s])))

/* CALM: leaders change for the newest committed entry only. */
#ifdef CALM
#define MAY_LEAD(g, s, e) (e == top[g] && e != last[s])
#else
#define MAY_LEAD(g, s, e) (e != last[s] || has_given_up[s] || incoming[s] != NONE)
#endif

#ifdef BINDING_FORGOTTEN
#define FORGET(e) preparation[e] = 0
#else
#define FORGET(e) skip
#endif

#define WITH_ENTRY(g, s, i) \
    :: d_step { i < made[g] && MAY_LEAD(g, s, g * P + i) -> \
                last[s] = g * P + i; has_given_up[s] = false; incoming[s] = NONE } \
    :: d_step { MAY_COMMIT(g, s, g * P + i) -> commit(g, s, g * P + i) } \
    :: d_step { MAY_TAKE_IN(g, s, ((g + 1) % 3) * P + i) -> take_in(g, s, ((g + 1) % 3) * P + i) } \
    :: d_step { MAY_TAKE_IN(g, s, ((g + 2) % 3) * P + i) -> take_in(g, s, ((g + 2) % 3) * P + i) }

#define WITH_NONCE(g, s, n) \
    :: d_step { MAY_GIVE_OUT(g, s, n) -> give_out(g, s, n) } \
    :: d_step { MAY_STATE(s, n) -> make_statement(s, n) }

#if K >= 2
#define NONCE_1(g, s, d) WITH_NONCE(g, s, d * K + 1)
#else
#define NONCE_1(g, s, d)
#endif
#if K >= 3
#define NONCE_2(g, s, d) WITH_NONCE(g, s, d * K + 2)
#else
#define NONCE_2(g, s, d)
#endif
#define NONCES(g, s, d) WITH_NONCE(g, s, d * K) NONCE_1(g, s, d) NONCE_2(g, s, d)

/* What the host may do with leader s of group g. Whole ranges move, so an owner has no transfer pending. */
#define WITH_LEADER(g, s) \
    :: d_step { made[g] < LIMIT(g) && owns[last[s]] && version[last[s]] < VERSIONS -> \
                append(g, s); version[x] = version[x] + 1; x = NONE } \
    :: d_step { MAY_PREPARE(g, s, (g + 1) % 3) -> prepare(g, s, (g + 1) % 3) } \
    :: d_step { MAY_PREPARE(g, s, (g + 2) % 3) -> prepare(g, s, (g + 2) % 3) } \
    :: d_step { made[g] < LIMIT(g) && transfer[last[s]] == IN -> \
                append(g, s); end_transfer(s, x); incoming[s] = NONE; x = NONE } \
    :: d_step { made[g] < LIMIT(g) && transfer[last[s]] == OUT -> \
                append(g, s); end_transfer(s, x); x = NONE } \
    :: d_step { made[g] < LIMIT(g) && transfer[last[s]] == OUT && preparation[last[s]] != 0 -> \
                append(g, s); FORGET(x); x = NONE } \
    NONCES(g, s, 0) NONCES(g, s, 1) NONCES(g, s, 2) \
    WITH_ENTRY(g, s, 0) WITH_ENTRY(g, s, 1) WITH_ENTRY(g, s, 2) WITH_ENTRY(g, s, 3) \
    WITH_ENTRY(g, s, 4) WITH_ENTRY(g, s, 5) WITH_ENTRY(g, s, 6) WITH_ENTRY(g, s, 7)

active proctype host()
{
    d_step {
        made[0] = 1; made[1] = 1; made[2] = 1;
        index[0] = 1; index[P] = 1; index[2 * P] = 1;
        chain[0] = BIT(0); chain[P] = BIT(P); chain[2 * P] = BIT(2 * P);
        owns[0] = true;
        delivery[0] = NONE; delivery[P] = NONE; delivery[2 * P] = NONE;
        parent[0] = NONE; parent[P] = NONE; parent[2 * P] = NONE;
        top[1] = P;
        top[2] = 2 * P;
        last[LEADERS] = P;
        last[2 * LEADERS] = 2 * P
#if LEADERS >= 2
        ; last[3] = P;
        last[5] = 2 * P
#endif
    }
end:
    do
    WITH_LEADER(0, 0)
    WITH_LEADER(1, LEADERS)
    WITH_LEADER(2, 2 * LEADERS)
#if LEADERS >= 2
    WITH_LEADER(0, 1)
    WITH_LEADER(1, 3)
    WITH_LEADER(2, 5)
#endif
#ifdef REACH
    :: d_step { owns[top[0]] && delivered != 0 -> assert(false) }
#endif
    od
}
