package main

// #include <stdlib.h>
// #include "opnode.h"
import "C"

import (
	"context"
	"sync"
	"unsafe"
)

// Error is a failure; JSON holds all that is known of it.
type Error struct {
	Status  int32
	Name    string
	message string
	JSON    string
}

func (e *Error) Error() string { return e.message }

// Engine serves all its operations with one goroutine. Only numbers cross the boundary, no Go pointers stay behind it.
type Engine struct {
	handle  *C.opnode_engine
	mutex   sync.Mutex
	waiters map[uint64]chan struct{}
	tags    uint64
	over    chan struct{}
	served  chan struct{}
}

func NewEngine(config string) (*Engine, error) {
	e := &Engine{waiters: map[uint64]chan struct{}{}, over: make(chan struct{}), served: make(chan struct{})}
	var err *C.opnode_error
	text, size, free := in(config)
	defer free()
	if status := C.opnode_engine_new(C.OPNODE_ABI_VERSION, text, size, nil, &e.handle, &err); status < 0 {
		return nil, failure(status, err)
	}
	go e.serve()
	return e, nil
}

func (e *Engine) serve() {
	defer close(e.served)
	var tags [64]C.uint64_t
	for {
		select {
		case <-e.over:
			return
		default:
		}
		var count C.size_t
		C.opnode_ready_wait(e.handle, 100, &tags[0], C.size_t(len(tags)), &count)
		e.mutex.Lock()
		for _, tag := range tags[:count] {
			// A tag may arrive late, when nothing waits for it; tag 0 means events, which this host does not read.
			if waiter, waits := e.waiters[uint64(tag)]; waits {
				select {
				case waiter <- struct{}{}:
				default:
				}
			}
		}
		e.mutex.Unlock()
	}
}

func (e *Engine) Templates(connector, filter string) ([]byte, error) {
	name, nameSize, freeName := in(connector)
	defer freeName()
	text, size, free := in(filter)
	defer free()
	var buf *C.opnode_buf
	var err *C.opnode_error
	return out(C.opnode_describe_templates(e.handle, name, nameSize, text, size, &buf, &err), &buf, &err)
}

func (e *Engine) Search(query, filter string) ([]byte, error) {
	words, wordsSize, freeWords := in(query)
	defer freeWords()
	text, size, free := in(filter)
	defer free()
	var buf *C.opnode_buf
	var err *C.opnode_error
	return out(C.opnode_search(e.handle, words, wordsSize, text, size, &buf, &err), &buf, &err)
}

func (e *Engine) Open(spec string) (*Connection, error) {
	text, size, free := in(spec)
	defer free()
	c := &Connection{engine: e}
	var err *C.opnode_error
	if status := C.opnode_conn_open(e.handle, text, size, &c.handle, &err); status < 0 {
		return nil, failure(status, err)
	}
	return c, nil
}

// End waits until all is over; "ok" also means that no handle is open.
func (e *Engine) End(timeoutMs int64) string {
	close(e.over)
	<-e.served
	status := C.opnode_engine_shutdown(e.handle, C.int64_t(timeoutMs))
	C.opnode_engine_free(e.handle)
	return C.GoString(C.opnode_status_name(status))
}

type Connection struct {
	handle *C.opnode_conn
	engine *Engine
}

func (c *Connection) Free() { C.opnode_conn_free(c.handle) }

func (c *Connection) Start(request string) (*Operation, error) {
	text, size, free := in(request)
	defer free()
	e := c.engine
	e.mutex.Lock()
	e.tags++
	o := &Operation{engine: e, tag: e.tags, ready: make(chan struct{}, 1)}
	e.waiters[o.tag] = o.ready
	e.mutex.Unlock()
	var err *C.opnode_error
	if status := C.opnode_op_start(c.handle, text, size, C.uint64_t(o.tag), &o.handle, &err); status < 0 {
		o.forget()
		return nil, failure(status, err)
	}
	return o, nil
}

// Run gives everything at once: the items (or a write's outcomes; nil when there are none) and the report, whose "state" and "error" describe its end. It
// fails when the request was refused. It waits; no context is heard meanwhile.
func (c *Connection) Run(request string, timeoutMs int64) (items, report []byte, refused error) {
	text, size, free := in(request)
	defer free()
	var buf, told *C.opnode_buf
	var err *C.opnode_error
	status := C.opnode_run_report(c.handle, text, size, C.int64_t(timeoutMs), &buf, &told, &err)
	if told == nil {
		return nil, nil, failure(status, err)
	}
	if err != nil {
		C.opnode_error_free(err)
	}
	items, _ = out(C.OPNODE_OK, &buf, nil)
	report, _ = out(C.OPNODE_OK, &told, nil)
	return items, report, nil
}

type Operation struct {
	handle *C.opnode_op
	engine *Engine
	tag    uint64
	ready  chan struct{}
}

// Next gives the next batch, nil when there are no more. When the context ends, the operation is cancelled and ends with that failure.
func (o *Operation) Next(ctx context.Context) ([]byte, error) {
	ended := ctx.Done()
	for {
		var buf *C.opnode_buf
		var err *C.opnode_error
		status := C.opnode_op_next(o.handle, 0, &buf, &err)
		if status != C.OPNODE_AGAIN {
			return out(status, &buf, &err)
		}
		select {
		case <-o.ready:
		case <-ended:
			o.Cancel()
			ended = nil
		}
	}
}

func (o *Operation) Report() ([]byte, error) {
	var buf *C.opnode_buf
	var err *C.opnode_error
	return out(C.opnode_op_report(o.handle, &buf, &err), &buf, &err)
}

func (o *Operation) Cancel() { C.opnode_op_cancel(o.handle) }

func (o *Operation) Free() {
	o.forget()
	C.opnode_op_free(o.handle)
}

func (o *Operation) forget() {
	o.engine.mutex.Lock()
	delete(o.engine.waiters, o.tag)
	o.engine.mutex.Unlock()
}

// in copies a text to memory of C, which free gives back.
func in(text string) (data *C.char, size C.size_t, free func()) {
	data = C.CString(text)
	return data, C.size_t(len(text)), func() { C.free(unsafe.Pointer(data)) }
}

// out copies a buffer to memory of Go and frees it; nil when the call gave none.
func out(status C.int32_t, buf **C.opnode_buf, err **C.opnode_error) ([]byte, error) {
	if status < 0 {
		return nil, failure(status, *err)
	}
	if *buf == nil {
		return nil, nil
	}
	defer C.opnode_buf_free(*buf)
	var size C.size_t
	data := C.opnode_buf_data(*buf, &size)
	return C.GoBytes(unsafe.Pointer(data), C.int(size)), nil
}

func failure(status C.int32_t, err *C.opnode_error) error {
	defer C.opnode_error_free(err)
	name := C.GoString(C.opnode_status_name(status))
	return &Error{Status: int32(status), Name: name, message: C.GoString(C.opnode_error_message(err, nil)), JSON: C.GoString(C.opnode_error_json(err, nil))}
}
