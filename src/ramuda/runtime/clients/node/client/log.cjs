// console.* as Lambda writes it: `<time>\t<request id>\t<level>\t<message>`, or one JSON object a line.
//
// A line break inside a message becomes a carriage return, so that a message stays one log event.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
'use strict';

const util = require('util');
const { asError, describe } = require('./errors.cjs');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const METHODS = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };

let requestId;
let tenantId;
let isJson = false;

exports.setInvocation = (id, tenant) => {
  requestId = id;
  tenantId = tenant;
};

// An error that the runtime itself reports, before it sends it away.
exports.logError = (what, error) => {
  if (isJson) console.error(asError(error));
  else console.error(what, `\t${describe(asError(error))}`);
};

exports.patchConsole = function patchConsole() {
  isJson = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const compose = isJson ? jsonLine : textLine;
  const least = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()));
  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = LEVELS.indexOf(level) < least
      ? () => {}
      : (...values) => process.stdout.write(`${compose(level, values).replace(/\n/g, '\r')}\n`);
  }
};

function textLine(level, values) {
  return `${new Date().toISOString()}\t${requestId}\t${level}\t${util.format(...values)}`;
}

function jsonLine(level, values) {
  const line = { timestamp: new Date().toISOString(), level, requestId, ...(tenantId ? { tenantId } : {}) };
  if (values.length === 1) {
    try {
      return JSON.stringify({ ...line, message: values[0] }, (_key, value) => (value instanceof Error ? errorFields(value) : value));
    } catch {
      return JSON.stringify({ ...line, message: util.format(values[0]) });
    }
  }
  const error = values.find((value) => value instanceof Error);
  const fields = error ? errorFields(error) : {};
  return JSON.stringify({ ...line, message: util.format(...values), ...fields });
}

function errorFields(error) {
  const stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : error.stack;
  return { errorType: error.constructor?.name ?? 'UnknownError', errorMessage: error.message, stackTrace, ...error };
}
