// Leaves the program while an operation runs and a thread of Node's pool waits in the library.
'use strict';
const { Engine } = require(process.env.HOSTS + '/node/opnode.js');

const engine = new Engine({ selftest: true });
const connection = engine.open(JSON.parse(process.env.OPNODE_CONNECTION));
const batches = engine.batches(connection, { method: 'selftest', selftest: 'stall' });
batches.next().then(() => console.log('it ended'));
setTimeout(() => process.exit(7), 300);
