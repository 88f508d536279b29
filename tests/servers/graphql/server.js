// Issues behind graphql-js and graphql-http: a connection with cursors, a mutation, errors with status 200. Each executed request is a line of JSON in
// the log: its variables and its error codes. The arguments are the port and the number of issues. The file `fault` makes the next request that
// fits fail: `FIELD KIND`, with the kinds limited, broken (an error with partial data), 500 and lost (done, then cut off).
const { buildSchema, GraphQLError } = require('graphql')
const { createHandler } = require('graphql-http/lib/use/http')
const http = require('http')
const fs = require('fs')

const [port, count] = process.argv.slice(2).map(Number)
const issues = []
for (let id = 1; id <= count; id += 1) issues.push({ id: String(id), title: `Issue ${id}`, state: id % 2 ? 'OPEN' : 'CLOSED', points: id, labels: ['a', 'b'] })

const schema = buildSchema(`
  enum State { OPEN CLOSED }
  type Issue { id: ID! title: String! state: State! points: Int labels: [String!]! }
  type PageInfo { endCursor: String hasNextPage: Boolean! }
  type Edge { node: Issue! cursor: String! }
  type Issues { nodes: [Issue!]! edges: [Edge!]! pageInfo: PageInfo! totalCount: Int! }
  input Filter { state: State minimum: Int }
  input IssueInput { title: String! state: State = OPEN points: Int labels: [String!] = [] }
  type Created { success: Boolean! issue: Issue }
  type Query { issues(first: Int!, after: String, filter: Filter): Issues! issue(id: ID!): Issue }
  type Mutation { issueCreate(input: IssueInput!): Created! issueDelete(id: ID!): Created! }
`)

const refused = (message, code) => new GraphQLError(message, { extensions: { code } })
const unreadable = () => { throw refused('the title cannot be read', 'INTERNAL') }
const cursor = issue => Buffer.from(`issue:${issue.id}`).toString('base64')

function fault(field) {
  const text = fs.existsSync('fault') ? fs.readFileSync('fault', 'utf8').trim().split(' ') : []
  if (text[0] !== field) return undefined
  fs.unlinkSync('fault')
  return text[1]
}

const rootValue = {
  issues({ first, after, filter = {} }, context) {
    if (first > 100) throw refused('first is at most 100', 'BAD_USER_INPUT')
    context.kind = fault('issues')
    if (context.kind === 'limited') throw refused('slow down', 'RATELIMITED')
    const found = issues.filter(i => (!filter.state || i.state === filter.state) && (!filter.minimum || i.points >= filter.minimum))
    const from = after ? found.findIndex(issue => cursor(issue) === after) + 1 : 0
    if (after && from === 0) throw refused('no such cursor', 'BAD_USER_INPUT')
    const nodes = found.slice(from, from + first)
    const last = nodes[nodes.length - 1]
    if (context.kind === 'broken') nodes[0] = { ...nodes[0], title: unreadable }
    const pageInfo = { endCursor: last ? cursor(last) : null, hasNextPage: from + first < found.length }
    return { nodes, edges: nodes.map(node => ({ node, cursor: cursor(node) })), pageInfo, totalCount: found.length }
  },
  issue: ({ id }) => issues.find(issue => issue.id === id) || null,
  issueCreate({ input }, context) {
    context.kind = fault('issueCreate')
    if (context.kind === 'limited') throw refused('slow down', 'RATELIMITED')
    if (input.title === '') throw refused('the title is empty', 'BAD_USER_INPUT')
    if (input.points < 0) return { success: false, issue: null }
    const issue = { id: String(issues.length + 1), points: null, ...input }
    issues.push(issue)
    return { success: true, issue: context.kind === 'broken' ? { ...issue, title: unreadable } : issue }
  },
  issueDelete({ id }) {
    const at = issues.findIndex(issue => issue.id === id)
    if (at < 0) throw refused(`no issue ${id}`, 'NOT_FOUND')
    return { success: true, issue: issues.splice(at, 1)[0] }
  },
}

const handler = createHandler({
  schema,
  rootValue,
  context: request => {
    const context = { reply: request.context.res }
    context.reply.said = context
    return context
  },
  onOperation: (request, args, result) => {
    const codes = (result.errors || []).map(error => (error.extensions && error.extensions.code) || error.message)
    console.log(JSON.stringify({ variables: args.variableValues || {}, errors: codes }))
  },
})

http.createServer((request, reply) => {
  if (request.headers.authorization !== 'Bearer graphql-S3cret') {
    reply.writeHead(401, { 'content-type': 'application/json' })
    return reply.end(JSON.stringify({ errors: [{ message: 'no such token', extensions: { code: 'UNAUTHENTICATED' } }] }))
  }
  const { writeHead, end } = reply
  reply.writeHead = (...rest) => (reply.said && ['lost', '500'].includes(reply.said.kind) ? reply : writeHead.apply(reply, rest))
  reply.end = (...rest) => {
    const kind = reply.said && reply.said.kind
    if (kind === 'lost') return request.socket.destroy()
    if (kind !== '500') return end.apply(reply, rest)
    writeHead.call(reply, 500, { 'content-type': 'text/html' })
    return end.call(reply, '<html><title>Bad</title></html>')
  }
  return handler(request, reply)
}).listen(port, '127.0.0.1')
