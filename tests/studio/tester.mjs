// A connector of the tests' own, and the server that it calls: what the server answers is what a test wants to see on the page.

const CONNECTOR = `version: 2
connector: tester
title: Tester
description: A system of the tests
connection:
  site: { type: string, format: origin, description: "Address of the site, such as https://desk.example.com" }
  key: { type: string, secret: true, description: Key of the account }
base_url: "{site}"
auth: { bearer: "{key}" }
paging: none
errors: { code: /code, message: /message }
literals: { quote: '"', escape: backslash }
probe: listKinds
`;
const OPERATIONS = `version: 2
records:
  Kind:
    schema: { type: object, properties: { id: { type: integer }, name: { type: string } } }
    sample: { id: 1, name: Lamp }
  Thing:
    schema:
      type: object
      properties:
        id: { type: integer }
        name: { type: string, maxLength: 20 }
        note: { type: [string, "null"] }
        size: { type: integer, maximum: 9 }
        kind: { type: integer, values: { operation: listKinds, value: /id, label: /name } }
    sample: { id: 1, name: Desk lamp, note: New, size: 3, kind: 1 }
operations:
  listKinds:
    title: List kinds
    method: query
    request: GET /kinds
    response: { result: list, record: Kind }
  listThings:
    title: List things
    description: The things of an area
    method: query
    request: GET /things
    required: [area]
    options:
      note: { type: string, description: Words of the note }
      pages: { type: integer, minimum: 1, maximum: 50, description: The number of pages of a leaflet }
      kind: { type: integer, description: Only things of this kind, values: { operation: listKinds, value: /id, label: /name } }
      filter: { type: string, fields: conditions, operators: ["=", "!=", ">"], description: A condition }
      sort: { type: string, description: The order }
      area: { type: string, minLength: 2, description: The area in which they are }
    response: { result: list, record: Thing }
  readText:
    title: Read a text
    method: query
    request: GET /text
    response: { result: text }
  listMany:
    title: List many rows
    method: query
    request: GET /many
    paging: { number: { page: { query: page, start: 1 }, end: { total_pages: /pages } } }
    response: { result: list, items: /rows, record: Thing }
  createThing:
    title: Create things
    method: mutate
    request: POST /things
    items: { send: each, record: Thing, schema: { required: [name] }, sample: { name: Desk lamp } }
    response: { result: object, record: Thing, ok: [200, 201] }
`;
export const KINDS = [{ id: 7, name: "Lamp" }, { id: 8, name: "Table" }, { id: 9, name: "Chair" }];

/** The files of the connector, and of a connection to it. */
export const testerFiles = (address, more = "") => ({
  "definitions/operations/tester/connector.yaml": CONNECTOR,
  "definitions/operations/tester/things.yaml": OPERATIONS,
  "connections.yaml": `version: 1\nconnections:\n  desk:\n    connector: tester\n    site: "${address}"\n    key: key-of-the-desk\n${more}`,
});

/** An answer in JSON; a text is sent as it is. */
export function send(response, status, value, headers = {}) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(text);
}

/**
 * Starts the server. `answers` are by "VERB /path": functions of (request url, body, response) that give the value, or send it
 * themselves and give nothing. `seen` has each request that came.
 */
export async function tester(stage, answers = {}) {
  const seen = [];
  const usual = {
    "GET /kinds": () => KINDS,
    "GET /things": () => [{ id: 1, name: "Desk lamp", note: null, size: 3, kind: 7 }, { id: 2, name: "Table", note: "", size: 1, kind: 8 }],
    "POST /things": (url, body, response) => {
      const item = JSON.parse(body);
      if (item.name !== "bad") return { id: seen.length, ...item };
      send(response, 400, { code: "Refused", message: "the name is not allowed" });
      return undefined;
    },
  };
  const address = await stage.server((request, response, body) => {
    const url = new URL(request.url, "http://tester");
    seen.push({ verb: request.method, path: request.url, body, headers: request.headers });
    const own = { ...usual, ...answers }[`${request.method} ${url.pathname}`];
    if (!own) return send(response, 404, { code: "NotFound", message: "nothing is here" });
    const value = own(url, body, response);
    if (value !== undefined && !response.writableEnded) send(response, 200, value);
    return undefined;
  });
  return { address, seen, files: testerFiles(address) };
}
