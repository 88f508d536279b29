// A shop behind Express, whose bodies and queries are read by its own parsers: qs (nested forms and queries), querystring (flat forms), multer
// (multipart), cookie-parser. Each request is a line of JSON in the log, as the parsers have read it. The arguments are the port and the number of
// customers. The file `fault` makes the next request that fits fail: `VERB PATH KIND`, with the kinds 500, refused, lost (done, then cut off) and cut.
const express = require('express')
const cookies = require('cookie-parser')
const multer = require('multer')
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')

const [port, count] = process.argv.slice(2).map(Number)
const rows = new Map()
for (let id = 1; id <= count; id += 1) rows.set(String(id), { id, email: `c${id}@example.com`, address: { city: id % 2 ? 'Ulm' : 'Bonn & Co' } })
const done = new Map()
const app = express()
app.disable('x-powered-by')
app.disable('etag')
app.use(cookies())

// What the request was: a line before its reply ends, so that the line is there when the client has the reply.
function note(request, status) {
  const { method, query, cookies: cookie, body, params } = request
  const files = (request.files || []).map(f => ({ field: f.fieldname, name: f.originalname, type: f.mimetype, sha256: hash(f.buffer) }))
  const said = { method, path: decodeURIComponent(request.path), url: request.originalUrl, type: request.get('content-type'), query, cookie, params, body, files }
  console.log(JSON.stringify({ ...said, status }))
}
app.use((request, reply, next) => {
  const end = reply.end
  reply.end = (...rest) => {
    note(request, reply.statusCode)
    return end.apply(reply, rest)
  }
  reply.drop = () => {
    note(request, 0)
    request.socket.destroy()
  }
  next()
})

const hash = bytes => crypto.createHash('sha256').update(bytes).digest('hex')
const refuse = (reply, status, code, message, fields = []) => reply.status(status).json({ error: { code, message, fields } })

function fault(request) {
  const text = fs.existsSync('fault') ? fs.readFileSync('fault', 'utf8').trim().split(' ') : []
  if (text[0] !== request.method || !decodeURIComponent(request.path).startsWith(text[1])) return undefined
  fs.unlinkSync('fault')
  return text[2]
}

app.use((request, reply, next) => {
  if (request.cookies.sid !== 'express-S3cret') return refuse(reply, 401, 'unauthorized', 'no such session')
  const kind = fault(request)
  if (kind === '500') return refuse(reply, 500, 'broken', 'the database is away')
  if (kind === 'refused') return reply.drop()
  if (kind === 'lost') reply.end = reply.drop
  request.cut = kind === 'cut'
  next()
})

const nested = express.urlencoded({ extended: true })
const flat = express.urlencoded({ extended: false })
const text = express.text({ type: 'text/*' })
const parts = multer({ storage: multer.memoryStorage(), defParamCharset: 'utf8' }).any()

// A repeated key gives the first reply.
app.use((request, reply, next) => {
  const key = request.get('idempotency-key')
  if (!key) return next()
  if (done.has(key)) return reply.status(201).json(done.get(key))
  request.key = key
  next()
})

app.get('/customers', (request, reply) => {
  const { filter = {}, where, page, size } = request.query
  const exact = where ? JSON.parse(where) : {}
  let found = [...rows.values()].filter(row => !filter.city || row.address.city === filter.city)
  found = found.filter(row => Object.entries(exact).every(([name, value]) => row[name] === value))
  const from = (page - 1) * size
  reply.json({ customers: found.slice(from, from + Number(size)), pages: Math.ceil(found.length / size), count: found.length })
})
app.get('/customers/:id', (request, reply) => {
  const row = rows.get(request.params.id)
  return row ? reply.json(row) : refuse(reply, 404, 'missing', `no customer ${request.params.id}`)
})
app.post('/customers', nested, (request, reply) => {
  if (!/@/.test(request.body.email)) return refuse(reply, 422, 'invalid', 'the customer is not valid', [{ name: 'email', problem: 'is no address' }])
  const row = { ...request.body, id: rows.size + 1 }
  rows.set(String(row.id), row)
  if (request.key) done.set(request.key, row)
  reply.status(201).json(row)
})
app.put('/customers/:id', nested, (request, reply) => {
  if (!rows.has(request.params.id)) return refuse(reply, 404, 'missing', `no customer ${request.params.id}`)
  rows.set(request.params.id, { ...request.body, id: Number(request.params.id) })
  reply.json(rows.get(request.params.id))
})
app.delete('/customers/:id', (request, reply) => {
  if (!rows.delete(request.params.id)) return refuse(reply, 404, 'missing', `no customer ${request.params.id}`)
  reply.status(204).end()
})
app.post('/messages', flat, (request, reply) => reply.status(201).json({ id: 'm1' }))
app.post('/notes', text, (request, reply) => reply.status(201).json({ length: request.body.length }))
app.post('/uploads', parts, (request, reply) => {
  for (const file of request.files) fs.writeFileSync(path.basename(file.originalname), file.buffer)
  reply.status(201).json({ stored: request.files.map(file => file.originalname) })
})
app.get('/files/*', (request, reply) => {
  const name = path.basename(request.params[0])
  if (!fs.existsSync(name)) return refuse(reply, 404, 'missing', `no file ${request.params[0]}`)
  reply.type('application/octet-stream').attachment(name)
  if (!request.cut) return reply.sendFile(path.resolve(name))
  const bytes = fs.readFileSync(name)
  reply.set('content-length', bytes.length)
  reply.write(bytes.subarray(0, bytes.length / 2), () => setTimeout(reply.drop, 100))
})

app.listen(port, '127.0.0.1')
