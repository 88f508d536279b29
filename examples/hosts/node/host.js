// A host in Node: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.
//
//   npm install koffi
//   OPNODE_LIBRARY=FOLDER/libopnode.so OPNODE_CONNECTION='{"connector": ..., "values": {...}}' node host.js
//
// opnode.js beside it is the binding; copy it into your project.
'use strict';
const { Engine, OpnodeError } = require('./opnode.js');

const items = [{ id: 7, title: 'Technician' }, { id: 999999, title: 'Technician' }, { id: 8, title: 'Technician' }];

function showPage(number, page) {
  console.log(`  page ${number}: ${page.length} items, the first is ${page[0].identifier}`);
}

function showOutcomes(number, outcomes) {
  for (const { index, status, error } of outcomes) console.log(`  item ${index}: ${status}${error ? ` (${error.kind})` : ''}`);
}

// Runs an operation and shows its batches. Returns the report, also after a failure.
async function run(engine, connection, request, show, batchesMax = Infinity) {
  const control = {};
  const interrupt = () => control.cancel();
  process.on('SIGINT', interrupt);
  let number = 0;
  let ended = 'done';
  try {
    for await (const batch of engine.batches(connection, request, control)) {
      number += 1;
      if (number <= batchesMax) show(number, batch);
      if (number === batchesMax) control.cancel();
    }
  } catch (error) {
    if (!(error instanceof OpnodeError)) throw error;
    ended = error.name; // error.message is a text for users, error.details has all details
  } finally {
    process.off('SIGINT', interrupt);
  }
  console.log(`  ended: ${ended}`);
  return control.report;
}

async function main() {
  const engine = new Engine();
  const connection = engine.open(JSON.parse(process.env.OPNODE_CONNECTION));

  console.log('templates');
  for (const { template, title } of engine.templates('connectwise-manage', { text: 'members', limit: 3 })) {
    console.log(`  ${template}: ${title}`);
  }

  console.log('query');
  let report = await run(engine, connection, { method: 'query', operationId: 'getSystemMembers' }, showPage);
  for (const key of ['pages', 'items', 'complete']) console.log(`  ${key}: ${report.receipt[key]}`);

  console.log('at once');
  const answer = await engine.run(connection, { method: 'query', operationId: 'getSystemMembers' }, 10000);
  console.log(`  ${answer.items.length} items, complete: ${answer.report.receipt.complete}`);

  console.log('mutate');
  report = await run(engine, connection, { method: 'mutate', operationId: 'patchSystemMembersById', items }, showOutcomes);
  console.log(`  state: ${report.state}`);

  console.log('cancel');
  const longQuery = { method: 'query', operationId: 'getSystemMembers', batch: { items: 1 } };
  report = await run(engine, connection, longQuery, showPage, 1);
  console.log(`  state: ${report.state}`);

  engine.close(connection);
  console.log(`shutdown: ${await engine.end()}`);
}

main();
