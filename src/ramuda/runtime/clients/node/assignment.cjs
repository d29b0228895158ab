// Takes over the function that a waiting process is given: `{"env": {...}, "handler": "..."}` to end of file on fd 3.
'use strict';

const fs = require('fs');
const Module = require('module');

const ASSIGNMENT_FD = 3;

exports.become = function become() {
  const text = fs.readFileSync(ASSIGNMENT_FD, 'utf8');
  if (text === '') process.exit(0); // whoever prepared this environment does not need it any more
  fs.closeSync(ASSIGNMENT_FD);
  const { env, handler } = JSON.parse(text);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env, { _HANDLER: handler }); // assigning TZ makes Node read the time zone again
  process.chdir(process.env.LAMBDA_TASK_ROOT);
  process.argv.splice(2, 1);
  Module._initPaths(); // NODE_PATH is otherwise read once, when the process starts
};
