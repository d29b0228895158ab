// /var/runtime/bootstrap.cjs: how a Node.js function starts.
//
// `bootstrap.cjs` runs the function of the environment variables. `bootstrap.cjs --wait` is started before it is known
// whose code will run: it loads what every function needs, reads its assignment from fd 3 and then becomes that function.
//
// AWS's own client (aws-lambda-ric) is used when it was compiled and put beside this file; `client/` is ours.
'use strict';

const fs = require('fs');
const path = require('path');

const OFFICIAL_DIR = path.join(__dirname, 'aws-lambda-ric');
const LOADED_AHEAD = [
  'assert', 'async_hooks', 'crypto', 'http', 'https', 'net', 'stream', 'url', 'util', 'worker_threads', 'zlib',
];

function officialEntry() {
  const entries = ['index.mjs', path.join('dist', 'index.mjs')].map((name) => path.join(OFFICIAL_DIR, name));
  return entries.find((entry) => fs.existsSync(entry));
}

async function runOfficial(entry) {
  const client = await import(entry);
  // Since version 4 importing is running; before, there was a function to call.
  if (client.run) {
    await client.run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  }
}

async function waitForFunction(entry) {
  LOADED_AHEAD.forEach((name) => require(name));
  await import('./node_path_hooks.mjs'); // any: the first import sets up the loader of ES modules
  if (!entry) require('./client/run.cjs'); // AWS's client cannot be loaded ahead: it reads the environment at once
  require('./assignment.cjs').become();
}

async function main() {
  const entry = officialEntry();
  if (process.argv[2] === '--wait') await waitForFunction(entry);
  require('./node_path.cjs').extendToEsModules();
  await (entry ? runOfficial(entry) : require('./client/run.cjs').run());
}

// A failure to start is an uncaught exception, which is what the clients report, not an unhandled rejection.
main().catch((error) => process.nextTick(() => { throw error; }));
