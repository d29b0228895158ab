// The Runtime API, over one kept connection.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
'use strict';

const http = require('http');
const { report, xrayCause } = require('./errors.cjs');
const { openResponseStream } = require('./response_stream.cjs');

const ROOT = '/2018-06-01/runtime/';
const XRAY_CAUSE_BYTES_MAX = 1024 * 1024;

class RuntimeApi {
  constructor(address) {
    const [host, port] = address.split(':');
    this._to = { host, port, agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) };
  }

  // Waits for the next event: {headers, body}.
  next() {
    return this._send('GET', 'invocation/next');
  }

  respond(id, json) {
    return this._send('POST', `invocation/${id}/response`, json);
  }

  fail(id, error) {
    const told = report(error);
    const headers = { 'Lambda-Runtime-Function-Error-Type': told.errorType };
    const cause = xrayCause(error);
    if (cause && cause.length < XRAY_CAUSE_BYTES_MAX) headers['Lambda-Runtime-Function-XRay-Error-Cause'] = escape(cause);
    return this._send('POST', `invocation/${id}/error`, JSON.stringify(told), headers);
  }

  failInit(error) {
    const told = report(error);
    return this._send('POST', 'init/error', JSON.stringify(told), { 'Lambda-Runtime-Function-Error-Type': told.errorType });
  }

  // A response that is written piece by piece: {stream, fail, done}.
  stream(id, highWaterMark) {
    return openResponseStream({ ...this._to, path: `${ROOT}invocation/${id}/response` }, highWaterMark);
  }

  _send(method, path, body, headers) {
    return new Promise((resolve, reject) => {
      const request = http.request({ ...this._to, method, path: ROOT + path, headers: { ...headers, ...bodyHeaders(body) } });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }));
      });
      request.end(body);
    });
  }
}

exports.RuntimeApi = RuntimeApi;

function bodyHeaders(body) {
  return body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
}

// Headers are Latin-1: what else an error message holds is escaped, as JSON allows.
function escape(json) {
  return json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
