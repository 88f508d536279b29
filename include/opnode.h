/*
 * opnode.h: runs operations of outside systems from inside any program.
 *
 * The words: a connector is one outside system; an operation is one thing that it can do, named by its OperationId; a connection is a set of
 * property values and secrets for one connector; options are an operation's parameters; items are the records that go in and come back,
 * always as a JSON array.
 *
 * The way through:
 *   opnode_engine_new -> opnode_conn_open -> opnode_op_start -> opnode_op_next until OPNODE_DONE -> opnode_op_free -> opnode_conn_free ->
 *   opnode_engine_shutdown -> opnode_engine_free
 *
 * Rules that hold for every function:
 *   - It may be called from any thread that has 256 KiB of stack, with any handle value, at any time. A handle that is NULL, stale, freed or of
 *     another kind gives OPNODE_E_HANDLE (OPNODE_E_MISUSE for NULL), never a crash. Handles are tokens: do not dereference them.
 *   - Freeing in another order is allowed: what was opened from a handle keeps what it needs.
 *   - Texts go in as pointer and length in bytes, UTF-8; OPNODE_NTS as the length means "up to the NUL". They are copied before the call
 *     returns. Texts come out as pointer and length, with a NUL behind them that the length does not count.
 *   - Every out-parameter is written by every call: NULL or 0 on failure. `err` may be NULL; what it receives is freed with opnode_error_free.
 *   - A result of 0 or more is no failure; a negative one is. Treat negative numbers that you do not know as failures too.
 *   - Nothing here is global: no signal handler, no logger, no locale, no allocator. After fork(), the child gets OPNODE_E_FORKED.
 *
 * Released numbers, names and meanings never change; JSON objects and the two structs may grow at their ends.
 */
#ifndef OPNODE_H
#define OPNODE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface: major << 16 | minor. Pass it to opnode_engine_new. */
#define OPNODE_ABI_VERSION 0x00010000u

/* As a length: the text ends at its NUL. */
#define OPNODE_NTS ((size_t)-1)

/* Flag of opnode_op_write: no more items follow. */
#define OPNODE_LAST 1u

/* Results. */
#define OPNODE_OK 0    /* done as asked */
#define OPNODE_DONE 1  /* no more batches: the operation has ended well */
#define OPNODE_AGAIN 2 /* the time passed and nothing was lost: call again */
#define OPNODE_OPEN 3  /* everything has ended, and handles are still open */

/* Failures of the call itself or of files. */
#define OPNODE_E_INTERNAL (-1)           /* a fault of opnode */
#define OPNODE_E_USAGE (-2)              /* the call was put together wrongly, such as text that is not UTF-8 or an unknown key */
#define OPNODE_E_DEFINITION (-10)        /* a definition is wrong */
#define OPNODE_E_UNKNOWN_OPERATION (-11) /* no operation, template or connector has this name */
#define OPNODE_E_INVALID_OPTIONS (-12)   /* the options do not fit the operation */
#define OPNODE_E_INVALID_ITEMS (-13)     /* the items do not fit the operation */
#define OPNODE_E_UNSUPPORTED (-14)       /* this build cannot do that */
/* Failures of the connection. */
#define OPNODE_E_CONNECTION (-20)      /* the connection's values are missing or wrong */
#define OPNODE_E_UNAUTHENTICATED (-21) /* the remote system did not accept the credentials */
#define OPNODE_E_FORBIDDEN (-22)       /* the credentials do not allow this */
#define OPNODE_E_ORIGIN (-23)          /* the call would leave the connection's own origins; nothing was sent there */
/* Failures that the remote system reports. */
#define OPNODE_E_NOT_FOUND (-30)    /* no such record */
#define OPNODE_E_CONFLICT (-31)     /* the record is in use or was changed meanwhile */
#define OPNODE_E_REJECTED (-32)     /* the request was refused */
#define OPNODE_E_BAD_RESPONSE (-33) /* the reply is not what is declared, or not readable */
#define OPNODE_E_NO_PROGRESS (-34)  /* pages or cursors repeat: the walk would never end */
#define OPNODE_E_LIMIT (-35)        /* a limit was reached; its name is in the message */
/* Failures that may pass. */
#define OPNODE_E_RATE_LIMITED (-40) /* too many requests, also after waiting */
#define OPNODE_E_UNAVAILABLE (-41)  /* the remote system answers 5xx */
#define OPNODE_E_NETWORK (-42)      /* no connection, or it broke */
#define OPNODE_E_TIMEOUT (-43)      /* a time limit passed */
/* How writes end otherwise than well. */
#define OPNODE_E_UNKNOWN_OUTCOME (-50) /* a write was sent and no answer tells whether it took effect: a person must look */
#define OPNODE_E_PARTIAL (-51)         /* some items failed; their outcomes tell which */
/* The rest. */
#define OPNODE_E_STATE (-60)     /* a local file or lock failed */
#define OPNODE_E_CANCELLED (-70) /* the host cancelled */
#define OPNODE_E_HANDLE (-90)    /* the handle is stale, freed or of another kind */
#define OPNODE_E_ABI (-91)       /* the host was built for another version of this interface */
#define OPNODE_E_FORKED (-92)    /* this process is a fork of the one that made the engine */
#define OPNODE_E_MISUSE (-93)    /* NULL where a pointer is needed, or a call that waits from within a callback */

/* Handles. */
typedef struct opnode_engine_s opnode_engine;
typedef struct opnode_conn_s opnode_conn;
typedef struct opnode_op_s opnode_op;
typedef struct opnode_buf_s opnode_buf;
typedef struct opnode_error_s opnode_error;

/* States of an operation. */
#define OPNODE_STATE_RUNNING 0
#define OPNODE_STATE_DONE 1
#define OPNODE_STATE_FAILED 2
#define OPNODE_STATE_CANCELLED 3

/* How far an operation is. The host sets struct_size to sizeof(opnode_progress) before the call. Sizes in bytes, times in milliseconds. */
typedef struct opnode_progress {
  uint32_t struct_size;
  int32_t state;       /* OPNODE_STATE_... */
  int64_t requests;    /* sent, retries included */
  int64_t retries;     /* requests that repeated an earlier one */
  int64_t pages;       /* pages read */
  int64_t items_in;    /* items given to a write */
  int64_t items_out;   /* items, or outcomes of a write, made so far */
  int64_t bytes_in;    /* bytes of replies, unpacked */
  int64_t bytes_out;   /* bytes of items given to a write */
  int64_t total_items; /* how many items the server announced; -1 when it did not */
  int64_t wait_ms;     /* spent waiting for retries and for the rate limit */
} opnode_progress;

/* Kinds of events. */
#define OPNODE_EVENT_LOG 1        /* {"kind":"log","level":..,"message":..,fields} */
#define OPNODE_EVENT_CREDENTIAL 2 /* {"kind":"credential","connection","key","access_token","refresh_token","expires_at","seed"}: keep it */

/*
 * Callbacks, all of them optional. They run on opnode's own threads, never at the same time, with no lock held; they may call any function here that does
 * not wait, and free what they are told about. They must return: one that throws or unwinds ends the process by abort, with a line on stderr. `json` is
 * valid during the call only. Set struct_size to sizeof(opnode_hooks) and flags to 0.
 */
typedef struct opnode_hooks {
  uint32_t struct_size;
  uint32_t flags;
  void *user_data;
  void (*drop)(void *user_data);                /* once, after the last callback; also when opnode_engine_new fails */
  void (*ready)(void *user_data, uint64_t tag); /* an operation whose opnode_op_next gave OPNODE_AGAIN has something now; replaces opnode_ready_wait */
  void (*progress)(void *user_data, uint64_t tag, const opnode_progress *progress); /* at most 5 a second and operation */
  void (*event)(void *user_data, int32_t kind, const char *json, size_t len);       /* replaces opnode_events_take */
} opnode_hooks;

/* ---- version: no handle, cannot fail ---- */

/* The interface's version that this library has. */
uint32_t opnode_abi_version(void);
/* The library's version, such as "1.4.2". Static. */
const char *opnode_version(void);
/* The name of a result, such as "rate_limited". Static; "unknown" for a number that has none. */
const char *opnode_status_name(int32_t status);

/* ---- engine ---- */

/*
 * Makes an engine: definitions, a few threads, the way to the network. Several may live in one process.
 *   abi    OPNODE_ABI_VERSION, as the host was compiled. Another major or a newer minor gives OPNODE_E_ABI.
 *   cfg    a JSON object, or NULL for the defaults:
 *          "builtin"      true: whether the shipped connectors are known
 *          "definitions"  []: folders with operations/<connector>/ and templates/<connector>/; a connector's files are read when it is first used
 *          "tokens"       "memory": where tokens are kept between calls; {"file": PATH} for a file that several processes may share, in a
 *                         folder that not everybody may write in. With "memory", the host gets new tokens as OPNODE_EVENT_CREDENTIAL and gives
 *                         them back to opnode_conn_open.
 *          "threads"      2: threads that do the work
 *          "systemProxy"  false: whether the system's proxy settings hold
 *          "log"          "info": the level of log events: off, error, warn, info, debug, trace
 *          "wakeFd"       -1: a file descriptor (eventfd, pipe, socket) that gets 8 bytes whenever opnode_ready_wait has something
 *          "selftest"     false: whether requests may have the method "selftest"
 *   hooks  callbacks, or NULL.
 * Owner: the host, until opnode_engine_free. Blocks for the start of threads and the listing of folders. Sends nothing.
 */
int32_t opnode_engine_new(uint32_t abi, const char *cfg, size_t cfg_len, const opnode_hooks *hooks, opnode_engine **out, opnode_error **err);

/*
 * Cancels all operations and waits until they have ended; timeout in milliseconds, negative for no limit. OPNODE_OK when all is over, OPNODE_OPEN when
 * all is over and handles are still open (the log names how many), OPNODE_E_TIMEOUT when operations still run. After that, nothing can be started.
 */
int32_t opnode_engine_shutdown(opnode_engine *engine, int64_t timeout_ms);

/* Gives the engine back. Never blocks: what still runs is cancelled and ends in the background; hooks.drop is called at the end. */
int32_t opnode_engine_free(opnode_engine *engine);

/*
 * Waits until operations have something: those whose opnode_op_next gave OPNODE_AGAIN. Writes up to `cap` tags and their number. OPNODE_AGAIN when the time
 * passed. Several threads may wait; each tag goes to one of them. Tag 0 says that opnode_events_take has something. Without use when hooks.ready is set.
 */
int32_t opnode_ready_wait(opnode_engine *engine, int64_t timeout_ms, uint64_t *tags, size_t cap, size_t *count);

/*
 * Takes the events that wait, as a JSON array (possibly empty). Log events are a ring of the newest 1024: the first of them says how many were dropped.
 * Credential events are never dropped. Without use when hooks.event is set.
 */
int32_t opnode_events_take(opnode_engine *engine, opnode_buf **out, opnode_error **err);

/* ---- discovery: JSON about what there is. Nothing is sent. ---- */

/*
 * Adds definitions that the host keeps itself: {"connector": NAME, "files": {"connector.yaml": TEXT, "tickets.yaml": TEXT, ...}}, or an array of such. They
 * hold for connections that are opened afterwards. A fault gives OPNODE_E_DEFINITION with file, line and column, and nothing is added.
 */
int32_t opnode_definitions_load(opnode_engine *engine, const char *doc, size_t len, opnode_error **err);

/* All connectors: [{"connector","title","description","docs","connection":[properties with "secret" for masked fields]}]. */
int32_t opnode_describe_connectors(opnode_engine *engine, opnode_buf **out, opnode_error **err);

/*
 * Templates and operations to pick from, of one connector or (NULL, 0) of all: [{"template","connector","method","title","summary","operation","tags","ask"}].
 *   filter  a JSON object or NULL: "method" ("query", "mutate", "delete"), "text" (words that all occur), "limit" (at most so many), "after" (only those behind
 *           this one, as "connector/template"), "operations" (true: one entry for every operation as well).
 */
int32_t opnode_describe_templates(opnode_engine *engine, const char *connector, size_t connector_len, const char *filter, size_t filter_len,
                                  opnode_buf **out, opnode_error **err);

/*
 * One template or operation by name: its method, options with JSON Schema, item schema and sample, what comes back, and ready "options" and "items" to
 * start from.
 */
int32_t opnode_describe_template(opnode_engine *engine, const char *connector, size_t connector_len, const char *name, size_t name_len,
                                 opnode_buf **out, opnode_error **err);

/* ---- connection ---- */

/*
 * Opens a connection: checks it, sends nothing.
 *   spec  {"connector": NAME, "values": {PROPERTY: TEXT, ...}, "name": NAME, "limits": {...}, "allow_http": false, "allow_private": false,
 *          "reroute": URL, "tokens": the parts of a credential event}; all but connector and values may be left out. ("seed" tells which refresh token of
 *          the values began the chain: tokens of another one are not used.) Secrets are copied into memory that is wiped; the host may clear its own text
 *          at once.
 */
int32_t opnode_conn_open(opnode_engine *engine, const char *spec, size_t len, opnode_conn **out, opnode_error **err);

/* Gives the connection back. Operations that run on it go on. */
int32_t opnode_conn_free(opnode_conn *conn);

/* ---- operations ---- */
/*
 * A request is a JSON object:
 *   "method"       "query", "mutate", "delete"; "check" calls the connector's probe
 *   "operationId"  the operation; or "template" with a template's name, whose options and items lie underneath
 *   "options"      an object
 *   "items"        an array, for writes; leave it out and send "stream": true to hand items in with opnode_op_write
 *   "limit"        most items that a query reads
 *   "forwardOnly"  walk by key, where the operation can
 *   "stopOnError"  send no further item after the first that did not succeed
 *   "timeoutMs"    ends the operation after this time
 *   "batch"        {"items": N, "bytes": N}: largest batches; without it a batch is a page
 *   "runBytes"     largest answer of opnode_run in bytes, 256 MiB unless said otherwise
 *   "plan"         true: give the requests that would be sent, credentials masked, and send nothing
 */

/*
 * Runs an operation to its end and gives everything as one batch; timeout negative for none. An answer of more than "runBytes" gives OPNODE_E_LIMIT:
 * use opnode_op_start.
 * When items of a write did not succeed, *out holds the outcomes of all items all the same: OPNODE_E_PARTIAL when some took effect, the error of the first
 * when none did, OPNODE_E_UNKNOWN_OUTCOME when of one it is not known. Blocks.
 */
int32_t opnode_run(opnode_conn *conn, const char *request, size_t len, int64_t timeout_ms, opnode_buf **out, opnode_error **err);

/*
 * Starts an operation. Never blocks. `tag` is the host's own number for it, which opnode_ready_wait and hooks give back; not 0.
 * What can be known before the first request is refused here.
 */
int32_t opnode_op_start(opnode_conn *conn, const char *request, size_t len, uint64_t tag, opnode_op **out, opnode_error **err);

/*
 * Hands items to a write that was started with "stream": true: a JSON array, or one JSON object a line. OPNODE_AGAIN when the queue stayed full for the time
 * given: nothing was taken then. Items that are not JSON give OPNODE_E_INVALID_ITEMS and are not taken; the operation goes on. `flags`: OPNODE_LAST, also with
 * no items at all.
 */
int32_t opnode_op_write(opnode_op *op, const char *items, size_t len, uint32_t flags, int64_t timeout_ms, opnode_error **err);

/*
 * The next batch: a JSON array of items (of a query), or of outcomes (of a write: {"index","status","http_status","items","location","error","attempts"}).
 *   OPNODE_OK     *out holds it
 *   OPNODE_DONE   there are no more; stays so
 *   OPNODE_AGAIN  nothing came within the time; the tag will be announced when something does
 *   negative      the operation failed; what came before was given out first. Stays so.
 * Batches wait for the host: at most 2 are held, and no page beyond is fetched than read-ahead allows. Two threads may call this; each batch goes to one.
 */
int32_t opnode_op_next(opnode_op *op, int64_t timeout_ms, opnode_buf **out, opnode_error **err);

/* How far it is; see opnode_progress. */
int32_t opnode_op_progress(opnode_op *op, opnode_progress *inout);

/*
 * What happened so far, also after a cancel or a failure: {"state","operation","receipt","error"}; of a write also "applied", "failed", "unknown" and "notSent": indexes
 * of items as ranges [[first,last],...].
 */
int32_t opnode_op_report(opnode_op *op, opnode_buf **out, opnode_error **err);

/*
 * Cancels it, from any thread, any number of times. Requests under way are broken off; the report stays. A query gives at most the batches that already wait,
 * and then OPNODE_E_CANCELLED; a write still gives all outcomes.
 */
int32_t opnode_op_cancel(opnode_op *op);

/* Gives the operation back; cancels it when it still runs. Never blocks. */
int32_t opnode_op_free(opnode_op *op);

/* ---- buffers and errors: unchangeable, readable from any thread, independent of what they came from ---- */

/* The whole text (a JSON array or object) and its length in bytes. NULL for a bad handle. Valid until opnode_buf_free. */
const char *opnode_buf_data(const opnode_buf *buf, size_t *len);
/* How many items it holds; 0 when it is no array of items. */
size_t opnode_buf_count(const opnode_buf *buf);
/* One item, without a NUL behind it; reading item by item makes no copy. NULL beyond the last. Valid until opnode_buf_free. */
const char *opnode_buf_item(const opnode_buf *buf, size_t index, size_t *len);
int32_t opnode_buf_free(opnode_buf *buf);

/* One line for people: what failed, and why. Valid until opnode_error_free. */
const char *opnode_error_message(const opnode_error *error, size_t *len);
/* All that is known: {"kind","number","message","advice","operation","request","http_status","provider","attempts","retry_after_ms","page","faults",...}. */
const char *opnode_error_json(const opnode_error *error, size_t *len);
int32_t opnode_error_free(opnode_error *error);

#ifdef __cplusplus
}
#endif

#endif /* OPNODE_H */
