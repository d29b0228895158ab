// console.* as Lambda writes it: `<time>\t<request id>\t<level>\t<message>`, or one JSON object a line.
//
// A message stays one log event: on the framed log channel it is written whole, with its time and level; without the
// channel a line break inside it becomes a carriage return on standard output.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
'use strict';

const fs = require('fs');
const util = require('util');
const { asError, describe } = require('./errors.cjs');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const FRAME_LEVELS = { TRACE: 0x07, DEBUG: 0x0b, INFO: 0x0f, WARN: 0x13, ERROR: 0x17, FATAL: 0x1b };
const TEXT_FRAME = 0xa55a0000; // and one less for a JSON record
const FRAME_HEAD_BYTES = 16;
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
  const channel = process.env._LAMBDA_TELEMETRY_LOG_FD;
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  const write = channel ? framedTo(Number(channel)) : writeLine;
  const least = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()));
  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = LEVELS.indexOf(level) < least
      ? () => {}
      : (...values) => write(level, compose(level, values));
  }
};

const writeLine = (_level, text) => process.stdout.write(`${text.replace(/\n/g, '\r')}\n`);

// A frame: type with the level in its low byte, length, microseconds since the epoch, text.
function framedTo(fd) {
  return (level, text) => {
    const content = Buffer.from(`${text}\n`);
    const frame = Buffer.alloc(FRAME_HEAD_BYTES + content.length);
    frame.writeUInt32BE(TEXT_FRAME + FRAME_LEVELS[level] - (isJson ? 1 : 0), 0);
    frame.writeUInt32BE(content.length, 4);
    frame.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
    content.copy(frame, FRAME_HEAD_BYTES);
    for (let at = 0; at < frame.length;) at += fs.writeSync(fd, frame, at);
  };
}

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
