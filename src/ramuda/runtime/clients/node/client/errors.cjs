// The errors that the runtime itself raises, and the forms in which errors leave it.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
'use strict';

const util = require('util');

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    const name = `Runtime.${kind}`;
    Object.defineProperty(this, 'name', { value: name, enumerable: false });
    this.stack = this.stack.replace(/^Error/, name);
  }
}
exports.RuntimeError = RuntimeError;

const isErrorLike = (value) => util.types.isNativeError(value)
  || Boolean(value && ['name', 'message', 'stack'].every((key) => typeof value[key] === 'string' && value[key]));

// DEL is not allowed in the header that carries the error type.
const printable = (text) => text.replace(/\x7F/g, '%7F');

// What the Runtime API is told: {errorType, errorMessage, trace}.
exports.report = function report(error) {
  try {
    if (!isErrorLike(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    const trace = printable(String(error.stack)).split('\n');
    return { errorType: printable(error.name), errorMessage: printable(error.message), trace };
  } catch {
    const problem = 'there was a problem while retrieving one or more of its message, name, and stack';
    return { errorType: 'handled', errorMessage: `callback called with Error argument, but ${problem}`, trace: [] };
  }
};

// What the log shows of an error in the text format: its own properties too, the stack as lines.
exports.describe = function describe(error) {
  const detailed = (_key, value) => {
    if (!(value instanceof Error)) return value;
    const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    if (typeof value.stack === 'string') shown.stack = value.stack.split('\n');
    return shown;
  };
  try {
    return JSON.stringify(error, detailed);
  } catch {
    return JSON.stringify(exports.report(error)); // it refers to itself
  }
};

exports.asError = (value) => (value instanceof Error ? value : new Error(String(value)));

// The X-Ray cause of an error, sent with it: where it came from, frame by frame.
exports.xrayCause = function xrayCause(error) {
  if (!isErrorLike(error)) return '';
  const stack = printable(error.stack).split('\n').slice(1).map(frame);
  const exception = { type: printable(error.name), message: printable(error.message), stack };
  const paths = [...new Set(stack.map((entry) => entry.path))];
  return JSON.stringify({ working_directory: process.cwd(), exceptions: [exception], paths });
};

function frame(line) {
  const words = line.trim().replace(/[()]/g, '').split(' ').slice(1);
  const [path, number] = (words.pop() || '').split(':');
  return { path, line: parseInt(number, 10), label: words.join(' ') || 'anonymous' };
}
