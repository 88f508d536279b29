/* Repeats the type of every function of the header and the layout of both structs, so that a change does not compile. */
#include <opnode.h>

extern const void *const opnode_signatures[];

static uint32_t (*const abi_version)(void) = opnode_abi_version;
static const char *(*const version)(void) = opnode_version;
static const char *(*const status_name)(int32_t) = opnode_status_name;
static int32_t (*const engine_new)(uint32_t, const char *, size_t, const opnode_hooks *, opnode_engine **, opnode_error **) = opnode_engine_new;
static int32_t (*const engine_shutdown)(opnode_engine *, int64_t) = opnode_engine_shutdown;
static int32_t (*const engine_free)(opnode_engine *) = opnode_engine_free;
static int32_t (*const ready_wait)(opnode_engine *, int64_t, uint64_t *, size_t, size_t *) = opnode_ready_wait;
static int32_t (*const events_take)(opnode_engine *, opnode_buf **, opnode_error **) = opnode_events_take;
static int32_t (*const definitions_load)(opnode_engine *, const char *, size_t, opnode_error **) = opnode_definitions_load;
static int32_t (*const describe_connectors)(opnode_engine *, opnode_buf **, opnode_error **) = opnode_describe_connectors;
static int32_t (*const describe_templates)(opnode_engine *, const char *, size_t, const char *, size_t, opnode_buf **, opnode_error **) =
    opnode_describe_templates;
static int32_t (*const describe_template)(opnode_engine *, const char *, size_t, const char *, size_t, opnode_buf **, opnode_error **) =
    opnode_describe_template;
static int32_t (*const search)(opnode_engine *, const char *, size_t, const char *, size_t, opnode_buf **, opnode_error **) = opnode_search;
static int32_t (*const conn_open)(opnode_engine *, const char *, size_t, opnode_conn **, opnode_error **) = opnode_conn_open;
static int32_t (*const conn_free)(opnode_conn *) = opnode_conn_free;
static int32_t (*const run)(opnode_conn *, const char *, size_t, int64_t, opnode_buf **, opnode_error **) = opnode_run;
static int32_t (*const op_start)(opnode_conn *, const char *, size_t, uint64_t, opnode_op **, opnode_error **) = opnode_op_start;
static int32_t (*const op_write)(opnode_op *, const char *, size_t, uint32_t, int64_t, opnode_error **) = opnode_op_write;
static int32_t (*const op_next)(opnode_op *, int64_t, opnode_buf **, opnode_error **) = opnode_op_next;
static int32_t (*const op_progress)(opnode_op *, opnode_progress *) = opnode_op_progress;
static int32_t (*const op_report)(opnode_op *, opnode_buf **, opnode_error **) = opnode_op_report;
static int32_t (*const op_cancel)(opnode_op *) = opnode_op_cancel;
static int32_t (*const op_free)(opnode_op *) = opnode_op_free;
static const char *(*const buf_data)(const opnode_buf *, size_t *) = opnode_buf_data;
static size_t (*const buf_count)(const opnode_buf *) = opnode_buf_count;
static const char *(*const buf_item)(const opnode_buf *, size_t, size_t *) = opnode_buf_item;
static int32_t (*const buf_free)(opnode_buf *) = opnode_buf_free;
static const char *(*const error_message)(const opnode_error *, size_t *) = opnode_error_message;
static const char *(*const error_json)(const opnode_error *, size_t *) = opnode_error_json;
static int32_t (*const error_free)(opnode_error *) = opnode_error_free;

const void *const opnode_signatures[] = {
    &abi_version,         &version,            &status_name,       &engine_new, &engine_shutdown, &engine_free, &ready_wait,  &events_take,
    &definitions_load,    &describe_connectors, &describe_templates, &describe_template, &conn_open, &conn_free, &run,        &op_start,
    &op_write,            &op_next,            &op_progress,       &op_report,  &op_cancel,       &op_free,     &buf_data,    &buf_count,
    &buf_item,            &buf_free,           &error_message,     &error_json, &error_free,      &search,
};

#define AT(name, type, member, offset) typedef char name[offsetof(type, member) == (offset) ? 1 : -1]
typedef char progress_size[sizeof(opnode_progress) == 80 ? 1 : -1];
AT(at_state, opnode_progress, state, 4);
AT(at_requests, opnode_progress, requests, 8);
AT(at_retries, opnode_progress, retries, 16);
AT(at_pages, opnode_progress, pages, 24);
AT(at_items_in, opnode_progress, items_in, 32);
AT(at_items_out, opnode_progress, items_out, 40);
AT(at_bytes_in, opnode_progress, bytes_in, 48);
AT(at_bytes_out, opnode_progress, bytes_out, 56);
AT(at_total_items, opnode_progress, total_items, 64);
AT(at_wait_ms, opnode_progress, wait_ms, 72);
#define WORD sizeof(void *)
typedef char hooks_size[sizeof(opnode_hooks) == 8 + 5 * WORD ? 1 : -1];
AT(at_flags, opnode_hooks, flags, 4);
AT(at_user_data, opnode_hooks, user_data, 8);
AT(at_drop, opnode_hooks, drop, 8 + WORD);
AT(at_ready, opnode_hooks, ready, 8 + 2 * WORD);
AT(at_progress, opnode_hooks, progress, 8 + 3 * WORD);
AT(at_event, opnode_hooks, event, 8 + 4 * WORD);
